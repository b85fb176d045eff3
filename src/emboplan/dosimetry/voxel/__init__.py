"""Absorbed dose in voxels, and its histograms."""
