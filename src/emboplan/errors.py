"""The tree of failures: what can go wrong, and whose turn it is to act.

    EmboplanError                 everything we raise on purpose
    └── InputError                the user can mend it (exit status 2)
        ├── CaseFileError         the case file; carries every problem found, not only the first
        ├── CatalogError          a catalogue entry without source or status, or an unknown name
        ├── DicomError            a file or series that cannot be used
        │   └── SeriesChoiceError several series fit; lists them
        ├── ImageFileError        a NIfTI or NRRD file that cannot be used
        ├── GeometryError         two arrays that do not lie on the same grid
        ├── MaskError             an empty, leaking or inconsistent mask
        ├── ModelRangeError       a number outside the range a formula is valid for
        │   └── InfeasiblePlanError conditions of a prescription that contradict each other
        ├── OutputError           a result folder that exists, or cannot be written
        ├── SegmentationError     an image in which the organ cannot be found
        └── UnitError             a missing, unknown or wrong kind of unit

Anything else that escapes is a fault of ours (exit status 1). Messages say what was found, what
was expected and what to do, and carry no patient names or identifiers.
"""

from collections.abc import Sequence


class EmboplanError(Exception):
    """Root of all failures that emboplan raises on purpose."""


class InputError(EmboplanError):
    """Unusable input; the message tells the user how to mend it."""


class CaseFileError(InputError):
    """A case file with one or more problems; `problems` holds one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class CatalogError(InputError):
    """A catalogue entry that cannot be trusted, or a name that the catalogue does not know."""


class DicomError(InputError):
    """A DICOM file or series that cannot be used as it is."""


class SeriesChoiceError(DicomError):
    """Several series fit the request; the message lists them."""


class ImageFileError(InputError):
    """A NIfTI or NRRD file that cannot be used as it is."""


class GeometryError(InputError):
    """Arrays that do not lie on the same grid, or a grid that is not one."""


class MaskError(InputError):
    """A mask that is empty, or inconsistent with another."""


class ModelRangeError(InputError):
    """A number outside the range in which the formula holds."""


class InfeasiblePlanError(ModelRangeError):
    """Conditions of a prescription that contradict each other; `conditions` holds one line for each."""

    def __init__(self, message: str, conditions: Sequence[str] = ()) -> None:
        self.conditions = tuple(conditions)
        super().__init__(message)


class OutputError(InputError):
    """A result that exists already, or a place that cannot be written."""


class SegmentationError(InputError):
    """An image in which the organ asked for cannot be found."""


class UnitError(InputError):
    """A quantity with a missing, unknown or wrong kind of unit."""
