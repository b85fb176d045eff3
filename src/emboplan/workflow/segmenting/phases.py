"""Further CT phases of the patient laid on the segmented one: lesions of all, and what enhances.

Each phase is registered to the liver of the first CT. A phase whose registration is not accepted is left out
with a warning: a lesion in the wrong place is worse than one that was not seen. Contrast phases are searched
for lesions inside the same liver and fused; an unenhanced one tells which part of a lesion enhances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from emboplan import catalog as catalogue
from emboplan.errors import InputError, ModelRangeError
from emboplan.imaging.moved import resampled
from emboplan.imaging.register import Kind
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.segmentation.phases import LIKELY_LOW_ID, PhaseLesions, fuse_phases
from emboplan.segmentation.tumour import tumours_in
from emboplan.segmentation.viable import NOT_ENHANCING_ID, WHOLE_ID, viable_tumour
from emboplan.segmentation.working import working_image
from emboplan.workflow.registering.accepted import Registered, register
from emboplan.workflow.segmenting.review_steps import after_change

Progress = Callable[[str, float], None]

LEFT_OUT_ID = "segmentation.phase-left-out"

# Said of the viable part; said anew whenever it is told anew.
OF_VIABLE = (WHOLE_ID, NOT_ENHANCING_ID)


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """A further CT of the patient: its name in words, and whether it was taken before contrast agent."""

    ct: CtImage
    name: str
    plain: bool = False


def phases_of(phases: Sequence[Phase | CtImage], plain: CtImage | None) -> tuple[Phase | CtImage, ...]:
    """Contrast phases and an unenhanced one, if any, as `with_phases` takes them."""
    return (*phases, *(() if plain is None else (Phase(plain, "unenhanced", plain=True),)))


def named_phases(phases: Sequence[Phase | CtImage]) -> tuple[Phase, ...]:
    """The phases with names, those without one counted from 2; `InputError` where two have one name."""
    named = tuple(
        phase if isinstance(phase, Phase) else Phase(phase, f"phase {n}")
        for n, phase in enumerate(phases, start=2)
    )
    names = [FIRST, *(phase.name for phase in named)]
    if len(set(names)) < len(names):
        raise InputError(f"phases are named {', '.join(names)}; give each another name")
    return named


FIRST = "first"


def with_phases(
    anatomy: Anatomy,
    phases: Sequence[Phase | CtImage],
    *,
    kind: Kind | str = Kind.RIGID,
    accept_shift_mm: float | None = None,
    catalog: catalogue.Catalog | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """`anatomy` with the lesions of further CT phases added, and its viable part told anew.

    The liver stays that of the first CT. Where lesions are fused a reader's confirmation lapses; an
    unenhanced phase changes the viable part alone. `kind` and `accept_shift_mm` are as in `register`.

    Raises:
        InputError: the contours lie on an MR, two phases have one name, no such kind of registration.
    """
    ct = anatomy.ct
    named = named_phases(phases)
    if not named:
        return with_viable(anatomy, catalog=catalog)
    findings: list[Finding] = []
    plain: CtImage | None = None
    shown = [PhaseLesions(FIRST, ct, anatomy.lesions)]
    for n, phase in enumerate(named):
        if progress is not None:
            progress(f"registering {phase.name}", n / len(named))
        laid, said = _laid(anatomy, phase, kind, accept_shift_mm, catalog)
        findings.extend(said)
        if laid is None:
            continue
        if phase.plain:
            plain = laid
            continue
        found = tumours_in(laid, working_image(laid), anatomy.liver.voxels)
        shown.append(PhaseLesions(phase.name, laid, found.lesions))
    kept = anatomy.findings
    lesions = anatomy.lesions
    if len(shown) > 1:
        fused = fuse_phases(anatomy.liver, shown)
        lesions = fused.lesions
        findings.extend(fused.findings)
        kept = tuple(one for one in kept if one.id != LIKELY_LOW_ID)
    changed = replace(anatomy, lesions=lesions, viable=None, findings=(*kept, *findings))
    if len(shown) > 1:
        changed = after_change(changed, f"fused with {', '.join(phase.name for phase in shown[1:])}")
    return with_viable(changed, plain=plain, catalog=catalog)


def with_viable(
    anatomy: Anatomy, *, plain: CtImage | None = None, catalog: catalogue.Catalog | None = None
) -> Anatomy:
    """`anatomy` with its viable tumour told anew from its CT; `plain` lies on the same grid.

    What was said of an earlier viable part goes.
    """
    viable, said = viable_tumour(anatomy.ct, anatomy.liver, anatomy.lesions, plain=plain, catalog=catalog)
    kept = tuple(one for one in anatomy.findings if one.id not in OF_VIABLE)
    return replace(anatomy, viable=viable, findings=(*kept, *said))


def _laid(
    anatomy: Anatomy,
    phase: Phase,
    kind: Kind | str,
    accept_shift_mm: float | None,
    catalog: catalogue.Catalog | None,
) -> tuple[CtImage | None, tuple[Finding, ...]]:
    """The phase on the grid of the first CT, or None and why not."""
    try:
        found = register(
            anatomy.ct,
            phase.ct,
            kind=kind,
            liver=anatomy.liver,
            accept_shift_mm=accept_shift_mm,
            catalog=catalog,
        )
    except ModelRangeError as error:
        return None, (_left_out(phase, str(error)),)
    if not found.accepted:
        return None, (_left_out(phase, _reasons(found)),)
    return resampled(phase.ct, found.registration.transform, anatomy.grid), ()


def _reasons(found: Registered) -> str:
    return "; ".join(one.text for one in found.findings if one.severity is not Severity.INFO)


def _left_out(phase: Phase, why: str) -> Finding:
    text = f"The CT named {phase.name} was left out, since it could not be laid on the first one: {why}."
    return Finding(LEFT_OUT_ID, Severity.WARNING, text)
