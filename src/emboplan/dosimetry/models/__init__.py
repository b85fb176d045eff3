"""Models of activity and mean dose: plain formulas, forward and back, on floats or arrays."""
