"""Loading of beads as users call it: one session, or a dose divided over sessions.

The sciences of beads and of protocols meet here: a loading that belongs to an arm of a trial is only made
where the arm is open and treats with beads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from emboplan.catalog.load import Catalog
from emboplan.catalog.load import load as load_catalog
from emboplan.catalog.tace_tables import embolization_arm
from emboplan.embolics.amounts import Number
from emboplan.embolics.bead_loading.bead_session import LiverFunction, load_for_liver
from emboplan.embolics.bead_loading.beads import WHOLE, BeadRequest
from emboplan.embolics.bead_loading.sizes import Sizes
from emboplan.embolics.sessions import load_course
from emboplan.errors import InputError
from emboplan.model.arm import ArmTechnique
from emboplan.model.results.loading import Loading, LoadingCourse
from emboplan.workflow.protocol_file import arm as open_arm


def require_arm(
    protocol: str | None, arm: str | None, technique: ArmTechnique, catalog: Catalog | None
) -> None:
    """`InputError` where the arm is closed, unknown, or of another technique.

    Without an arm the protocol must have an open one of the technique.
    """
    if protocol is None:
        if arm is not None:
            raise InputError("an arm belongs to a protocol; give the protocol too")
        return
    if arm is None:
        embolization_arm(catalog or load_catalog(), protocol, technique.value)
        return
    found = open_arm(protocol, arm, catalog=catalog)
    if found.technique is not technique:
        raise InputError(
            f'the arm "{arm}" of {protocol} is {found.technique.value}, not {technique.value}; '
            "choose an arm that fits"
        )


def load_beads(
    *,
    product: str,
    drug: str,
    dose_mg: Number,
    beads_ml: Number | None = None,
    vials: int | None = None,
    vial_ml: Number | None = None,
    sizes: Sizes | None = None,
    loading_efficiency: Number | None = None,
    method: str | None = None,
    solution_ml: Number | None = None,
    solution_mg_per_ml: Number | None = None,
    diluent: str | None = None,
    drug_vial_mg: Number | None = None,
    loading_min: Number | None = None,
    size_change_frac: Number | None = None,
    contrast_ml: Number | None = None,
    mixed_with: str | None = None,
    catheter_inner_um: Number | None = None,
    loaded_at: datetime | None = None,
    bilirubin_mg_per_dl: Number | None = None,
    child_pugh_class: str | None = None,
    territories: Mapping[str, Number] | None = None,
    acknowledged: Sequence[str] = (),
    protocol: str | None = None,
    arm: str | None = None,
    catalog: Catalog | None = None,
) -> Loading:
    """The loading of drug-eluting beads for one session.

    Doses in mg, volumes in mL, diameters in um. `product` may end with a size (``callispheres-100-300``).
    `loading_efficiency` is a fraction; it is needed where none is published. `method` is a named way of
    loading, such as ``vibration-60-s``. `loaded_at` carries a time zone. `territories` holds the share of
    each territory. `acknowledged` holds the ids of warnings that a person has acknowledged. `protocol` and
    `arm` name the arm of a trial that the loading belongs to. `bilirubin_mg_per_dl` and `child_pugh_class`
    are held against the label of doxorubicin; without them its dose is an open item.

    Facts and their sources: catalogue tables ``beads``, ``drugs`` and ``tace``. A number without a source
    stays open unless it is entered. Earlier doses and the rest of the patient are not looked at here.

    Raises:
        InputError: a pair, size, diluent, arm or number that does not go; the message says what to do.

    >>> found = load_beads(product="DC Bead", drug="irinotecan", dose_mg=100)
    >>> (found.vials, found.loaded_mg, found.supernatant_mg, found.contrast_ml)
    (1, 96.0, 4.0, (10.0, 20.0))
    """
    request = BeadRequest(
        product=product,
        drug=drug,
        dose_mg=dose_mg,
        sizes=sizes,
        vials=vials,
        beads_ml=beads_ml,
        vial_ml=vial_ml,
        loading_efficiency=loading_efficiency,
        method=method,
        solution_ml=solution_ml,
        solution_mg_per_ml=solution_mg_per_ml,
        diluent=diluent,
        drug_vial_mg=drug_vial_mg,
        loading_min=loading_min,
        size_change_frac=size_change_frac,
        contrast_ml=contrast_ml,
        mixed_with=mixed_with,
        catheter_inner_um=catheter_inner_um,
        loaded_at=loaded_at,
        territories=WHOLE if territories is None else territories,
        acknowledged=acknowledged,
    )
    liver = LiverFunction(bilirubin_mg_per_dl, child_pugh_class)
    return load_bead_session(request, liver=liver, protocol=protocol, arm=arm, catalog=catalog)


def load_bead_session(
    request: BeadRequest,
    *,
    liver: LiverFunction | None = None,
    protocol: str | None = None,
    arm: str | None = None,
    catalog: Catalog | None = None,
) -> Loading:
    """The loading of one session, as `load_beads`, from a request.

    Raises:
        InputError: as `load_beads`.
    """
    require_arm(protocol, arm, ArmTechnique.DEB_TACE, catalog)
    return load_for_liver(request, liver or LiverFunction(), catalog or load_catalog())


def load_bead_sessions(
    request: BeadRequest,
    *,
    sessions: int | None = None,
    session_of: Mapping[str, int] | None = None,
    liver: LiverFunction | None = None,
    protocol: str | None = None,
    arm: str | None = None,
    catalog: Catalog | None = None,
) -> LoadingCourse:
    """A whole dose divided over sessions and territories; the dose of `request` is that of all sessions.

    Without `sessions` and `session_of` each territory has its own session, and several where its part is more
    than one session holds.

    Raises:
        InputError: as `load_beads`, for every session.
    """
    require_arm(protocol, arm, ArmTechnique.DEB_TACE, catalog)
    return load_course(
        request,
        catalog or load_catalog(),
        sessions=sessions,
        session_of=session_of,
        liver=liver or LiverFunction(),
    )
