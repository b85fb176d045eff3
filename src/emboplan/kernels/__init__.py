"""Heavy loops: numba, arrays in and arrays out, nothing of ours but `units`."""
