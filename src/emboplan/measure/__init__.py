"""Volumes, burden and lesion diameters."""
