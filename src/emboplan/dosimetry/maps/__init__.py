"""Activity maps: calibrated, resampled, recovered."""
