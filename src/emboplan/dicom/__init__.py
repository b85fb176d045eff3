"""The DICOM door: the only room that knows pydicom and highdicom."""
