"""Lesions: sizes, shapes, places, and the burden made exact."""
