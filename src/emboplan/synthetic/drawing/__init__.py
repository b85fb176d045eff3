"""Shapes, layers, and how they become voxels."""
