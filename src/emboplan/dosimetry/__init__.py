"""Lung shunt, activity models, absorbed dose and dose-volume histograms."""
