"""The voxel dose of scans and plans."""
