"""Beta electrons: spectra, stopping, scattering, point kernels."""
