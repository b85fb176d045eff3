"""Segmenters behind one protocol: who drew the contours, in which version and under which licence.

A backend takes a CT and gives a liver, lesions, both or neither; what it does not give is found by the
built-in segmentation. Where contours of several origins meet, their names are joined in alphabetical order,
and version and licence say which is whose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Protocol

from emboplan.model.anatomy import Review
from emboplan.model.finding import Finding
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where contours come from: a segmenter's name, version and licence, or masks that were given."""

    name: str
    version: str | None = None
    licence: str | None = None

    @property
    def label(self) -> str:
        """Name, version and licence in a few words, as the history of contours has them."""
        version = f" {self.version}" if self.version else ""
        return f"{self.name}{version}" + (f" ({self.licence})" if self.licence else "")


BUILTIN = Origin("builtin", version("emboplan"), "Apache-2.0")
GIVEN = Origin("given")


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """What a backend found on a CT, on the CT's grid; None for a part that it does not draw."""

    origin: Origin
    liver: Mask | None
    lesions: LabelMap | None
    findings: tuple[Finding, ...] = field(default=())


class Backend(Protocol):
    """A segmenter: a name, and a call from a CT to contours."""

    @property
    def name(self) -> str:
        """The name that it is asked for by."""

    def __call__(self, ct: CtImage, progress: Progress | None = None) -> Contours:
        """The contours on `ct`, with the segmenter's version and licence.

        Raises:
            InputError: the segmenter or its weights are missing, or it failed.
            SegmentationError: it found no liver.
        """


def review_of(liver: Origin, lesions: Origin, confirmed_by: str | None = None) -> Review:
    """The review of contours whose liver and lesions come from these origins.

    >>> review_of(BUILTIN, GIVEN).backend
    'builtin+given'
    """
    origins = [liver] if liver == lesions else sorted({liver, lesions}, key=lambda one: one.name)
    return Review(
        backend="+".join(dict.fromkeys(one.name for one in origins)),
        confirmed_by=confirmed_by,
        backend_version=_joined(origins, [one.version for one in origins]),
        backend_licence=_joined(origins, [one.licence for one in origins]),
        history=_history(liver, lesions),
    )


def _joined(origins: Sequence[Origin], values: Sequence[str | None]) -> str | None:
    """One origin's value as it is, those of several with their names; None where none is known."""
    if len(origins) == 1:
        return values[0]
    known = [f"{one.name} {value}" for one, value in zip(origins, values, strict=True) if value]
    return ", ".join(known) or None


def _history(liver: Origin, lesions: Origin) -> tuple[str, ...]:
    if liver == lesions:
        return (f"liver and lesions: {liver.label}",)
    return (f"liver: {liver.label}", f"lesions: {lesions.label}")
