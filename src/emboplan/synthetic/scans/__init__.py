"""What scanners show of a digital patient: CT, MR, SPECT, planar views, PET."""
