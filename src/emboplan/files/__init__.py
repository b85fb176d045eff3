"""NIfTI and NRRD files into images and masks, and back."""
