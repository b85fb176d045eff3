"""Where the particles go: lung shunt and tumour-to-normal ratio from scans, on the grid of the counts."""
