"""Beads, emulsions and particles: what is taken, how much, and what to worry about."""
