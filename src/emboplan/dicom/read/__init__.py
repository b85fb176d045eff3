"""DICOM objects into images and masks."""
