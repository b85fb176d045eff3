"""Density and material of voxels, and where they change."""
