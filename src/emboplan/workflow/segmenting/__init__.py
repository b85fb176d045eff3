"""Contours from other segmenters, their correction, and results that are taken up again."""
