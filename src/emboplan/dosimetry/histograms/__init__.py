"""Dose in structures: histograms, sums over sessions, accuracy."""
