"""The loading of drug-eluting beads: amounts, solution, sizes, steps, storage."""
