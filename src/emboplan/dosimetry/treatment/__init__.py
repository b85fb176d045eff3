"""The vial and the day: decay to the hour of treatment, spheres, readings, what was delivered."""
