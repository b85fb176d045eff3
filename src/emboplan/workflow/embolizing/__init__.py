"""Plans of embolizations without radiation: which session treats what, with how much, and what to know."""
