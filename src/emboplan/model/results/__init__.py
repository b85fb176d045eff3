"""What the sciences return: frozen values that become the JSON of a plan."""
