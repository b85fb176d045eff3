"""Conventional TACE: dose, oil, phases, infusions."""
