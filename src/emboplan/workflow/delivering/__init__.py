"""What was delivered, against the plan."""
