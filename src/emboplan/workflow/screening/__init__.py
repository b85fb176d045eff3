"""Patients against protocols and labels."""
