"""Resampling, and the bridge to SimpleITK images."""
