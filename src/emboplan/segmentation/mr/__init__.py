"""Liver and lesions on MRI: T1 after contrast and T2, by the same steps as on CT but without a unit."""
