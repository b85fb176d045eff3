"""Facts, criteria and verdicts of trial protocols."""
