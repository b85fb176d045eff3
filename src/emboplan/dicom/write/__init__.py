"""Images, masks and doses into DICOM objects."""
