"""What is set for a digital patient: definition, variants, limits."""
