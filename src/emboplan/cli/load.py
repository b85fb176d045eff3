"""`emboplan load`: the loading of beads, an emulsion, or particles, as lines or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emboplan.cli.common import CatalogOption, JsonOption, print_json
from emboplan.cli.load_values import compound, in_unit, moment, territory_shares, wanted_um

if TYPE_CHECKING:
    from emboplan.model.results.emulsion import Emulsion, OilSuspension
    from emboplan.model.results.loading import Loading, LoadingCourse
    from emboplan.model.results.particles import ParticleChoice

    Answer = Loading | LoadingCourse | Emulsion | OilSuspension | ParticleChoice


class Technique(StrEnum):
    """What is given."""

    DEB = "deb"
    CTACE = "ctace"
    BLAND = "bland"


# Which options belong to which technique; one that does not belong is an error, not ignored.
ONLY = {
    Technique.DEB: (
        *("vials", "beads", "vial", "sizes", "loading_efficiency", "method", "solution", "strength"),
        *("diluent", "drug_vial", "loading_time", "contrast", "mixed_with", "loaded_at", "territories"),
        *("sessions", "acknowledge", "catheter", "drug", "dose", "arm"),
        *("bilirubin", "child_pugh"),
    ),
    Technique.CTACE: (
        *("oil", "aqueous", "ratio", "strength", "diluent", "body_surface", "bilirubin", "child_pugh", "age"),
        *("drug", "dose", "mixed_with", "product", "arm", "acknowledge"),
    ),
    Technique.BLAND: ("product", "sizes", "catheter", "shunt", "end_point", "heart_rate", "arm"),
}


def load(
    technique: Annotated[Technique, typer.Option("--technique", help="Beads, emulsion or bland particles.")],
    product: Annotated[
        str | None,
        typer.Option("--product", help="Beads or particles, such as callispheres-100-300; after ctace too."),
    ] = None,
    drug: Annotated[str | None, typer.Option("--drug", help="The drug.")] = None,
    dose: Annotated[
        str | None, typer.Option("--dose", help='Such as "75 mg"; for ctace also "50 mg/m2".')
    ] = None,
    vials: Annotated[int | None, typer.Option("--vials", help="Vials of beads.")] = None,
    beads: Annotated[str | None, typer.Option("--beads", help='Volume of beads, such as "2 mL".')] = None,
    vial: Annotated[
        str | None, typer.Option("--vial", help='Beads in one vial where vials differ, such as "2 mL".')
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", help="Size in um, such as 100-300; again for more. bland: the wanted range."),
    ] = None,
    loading_efficiency: Annotated[
        str | None,
        typer.Option(
            "--loading-efficiency", help="Loaded share, such as 0.85; needed where none is published."
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Named way of loading, such as vibration-60-s.")
    ] = None,
    solution: Annotated[
        str | None, typer.Option("--solution", help='Volume of the drug solution, such as "3 mL".')
    ] = None,
    strength: Annotated[
        str | None, typer.Option("--strength", help='Strength of the drug solution, such as "25 mg/mL".')
    ] = None,
    diluent: Annotated[str | None, typer.Option("--diluent", help="What the drug is made up with.")] = None,
    drug_vial: Annotated[
        str | None, typer.Option("--drug-vial", help='Drug in one vial, such as "50 mg".')
    ] = None,
    loading_time: Annotated[str | None, typer.Option("--loading-time", help='Such as "60 min".')] = None,
    contrast: Annotated[str | None, typer.Option("--contrast", help='Such as "10 mL".')] = None,
    mixed_with: Annotated[
        str | None, typer.Option("--mixed-with", help="What the beads or the oil are mixed with.")
    ] = None,
    catheter: Annotated[
        str | None, typer.Option("--catheter", help='Inner diameter, such as "0.021 in" or "530 um".')
    ] = None,
    loaded_at: Annotated[
        str | None, typer.Option("--loaded-at", help="Moment of loading, such as 2026-11-30T09:00:00+01:00.")
    ] = None,
    territories: Annotated[
        list[str] | None,
        typer.Option(
            "--territory",
            metavar="NAME=SHARE[@SESSION]",
            help="Share of the dose for a territory, and its session; again for each.",
        ),
    ] = None,
    sessions: Annotated[
        int | None, typer.Option("--sessions", min=1, help="Divide the dose over so many sessions.")
    ] = None,
    acknowledge: Annotated[
        list[str] | None, typer.Option("--acknowledge", metavar="ID", help="A warning that was acknowledged.")
    ] = None,
    oil: Annotated[str | None, typer.Option("--oil", help='Iodised oil, such as "10 mL".')] = None,
    aqueous: Annotated[str | None, typer.Option("--aqueous", help='Aqueous phase, such as "10 mL".')] = None,
    ratio: Annotated[str | None, typer.Option("--ratio", help="Oil per aqueous phase, such as 2.")] = None,
    body_surface: Annotated[
        str | None, typer.Option("--body-surface", help='Body surface, such as "1.8 m2".')
    ] = None,
    bilirubin: Annotated[
        str | None, typer.Option("--bilirubin", help='Total bilirubin, such as "1.4 mg/dL".')
    ] = None,
    child_pugh: Annotated[str | None, typer.Option("--child-pugh", help="A, B or C.")] = None,
    age: Annotated[float | None, typer.Option("--age", help="Age in years.")] = None,
    shunt: Annotated[str | None, typer.Option("--shunt", help="Shunt risk: none, unknown, ...")] = None,
    end_point: Annotated[str | None, typer.Option("--end-point", help="Such as stasis.")] = None,
    heart_rate: Annotated[
        float | None, typer.Option("--heart-rate", help="Beats in a minute, for the end point.")
    ] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="Trial, such as retnet.")] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", help="Arm of the trial; a closed one is refused.")
    ] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work out beads (deb), an emulsion (ctace) or particles (bland), every figure with its source."""
    given = {name: value for name, value in locals().items() if value is not None}
    from emboplan.catalog.load import load as load_catalog
    from emboplan.cli.load_text import loading_lines
    from emboplan.model.serialise import to_jsonable

    _require_own(technique, given)
    makers = {Technique.DEB: _deb, Technique.CTACE: _ctace, Technique.BLAND: _bland}
    answer = makers[technique](given, load_catalog(catalog))
    waiting = _waiting(technique, answer, given)
    if as_json:
        own = {} if waiting is None else {"to_acknowledge": list(waiting)}
        print_json({**to_jsonable(answer), **own})
        return
    for line in loading_lines(answer, waiting or ()):
        typer.echo(line)


def _waiting(technique: Technique, answer: Answer, given: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The ids of an emulsion that nobody has acknowledged; None where the answer lists its own."""
    from emboplan.embolics.acknowledgement import still_to_acknowledge

    if technique is not Technique.CTACE:
        return None
    findings = getattr(answer, "findings", ())
    return still_to_acknowledge(findings, given.get("acknowledge", ()))


def _require_own(technique: Technique, given: Mapping[str, Any]) -> None:
    """`InputError` for an option of another technique."""
    from emboplan.errors import InputError

    everywhere = {"technique", "product", "protocol", "catalog", "as_json"}
    for name in given:
        if name not in everywhere and name not in ONLY[technique]:
            fitting = ", ".join(t.value for t in Technique if name in ONLY[t])
            option = {"sizes": "size", "territories": "territory"}.get(name, name).replace("_", "-")
            raise InputError(
                f"--{option} belongs to the technique {fitting}, not to {technique.value}; leave it out"
            )


def _needed(given: Mapping[str, Any], name: str, technique: Technique) -> str:
    from emboplan.errors import InputError

    if name not in given:
        raise InputError(f"--{name} is missing; {technique.value} needs it")
    return str(given[name])


def _deb(given: Mapping[str, Any], catalog: Any) -> Loading | LoadingCourse:
    from emboplan.embolics.bead_loading.bead_session import LiverFunction
    from emboplan.embolics.bead_loading.beads import WHOLE, BeadRequest
    from emboplan.workflow.load import load_bead_session, load_bead_sessions

    shares, session_of = territory_shares(given.get("territories"))
    _needed(given, "dose", Technique.DEB)
    request = BeadRequest(
        product=_needed(given, "product", Technique.DEB),
        drug=_needed(given, "drug", Technique.DEB),
        dose_mg=in_unit(given, "dose", "mg"),
        sizes=given.get("sizes"),
        vials=given.get("vials"),
        beads_ml=in_unit(given, "beads", "mL"),
        vial_ml=in_unit(given, "vial", "mL"),
        loading_efficiency=compound(given, "loading_efficiency", ""),
        method=given.get("method"),
        solution_ml=in_unit(given, "solution", "mL"),
        solution_mg_per_ml=compound(given, "strength", "mg/mL"),
        diluent=given.get("diluent"),
        drug_vial_mg=in_unit(given, "drug_vial", "mg"),
        loading_min=in_unit(given, "loading_time", "min"),
        contrast_ml=in_unit(given, "contrast", "mL"),
        mixed_with=given.get("mixed_with"),
        catheter_inner_um=in_unit(given, "catheter", "um"),
        loaded_at=moment(given),
        territories=WHOLE if shares is None else shares,
        acknowledged=tuple(given.get("acknowledge", ())),
    )
    liver = LiverFunction(compound(given, "bilirubin", "mg/dL"), given.get("child_pugh"))
    trial = {"protocol": given.get("protocol"), "arm": given.get("arm"), "catalog": catalog, "liver": liver}
    if session_of is None and "sessions" not in given:
        return load_bead_session(request, **trial)
    return load_bead_sessions(request, sessions=given.get("sessions"), session_of=session_of, **trial)


def _suspension(given: Mapping[str, Any], catalog: Any) -> OilSuspension:
    """A drug that comes with its own oil vehicle, which takes the place of oil and aqueous phase."""
    from emboplan.embolics.emulsions.infusion import oil_suspension
    from emboplan.errors import InputError

    for name in ("oil", "aqueous", "ratio", "strength", "diluent", "mixed_with"):
        if name in given:
            raise InputError(
                f"--{name.replace('_', '-')}: found with {given['drug']}, which comes with its own oil "
                "vehicle; leave it out"
            )
    return oil_suspension(
        drug=given["drug"],
        dose_mg=in_unit(given, "dose", "mg"),
        age_years=given.get("age"),
        catalog=catalog,
    )


def _ctace(given: Mapping[str, Any], catalog: Any) -> Emulsion | OilSuspension:
    from emboplan.embolics.drug_names import plain_drug
    from emboplan.embolics.emulsions.emulsion import SUSPENDED, emulsion
    from emboplan.model.arm import ArmTechnique
    from emboplan.workflow.load import require_arm

    dose = _needed(given, "dose", Technique.CTACE)
    by_surface = "/" in dose
    if "arm" in given:
        require_arm(given.get("protocol"), given["arm"], ArmTechnique.CTACE, catalog)
    if plain_drug(_needed(given, "drug", Technique.CTACE)) == SUSPENDED:
        return _suspension(given, catalog)
    return emulsion(
        drug=_needed(given, "drug", Technique.CTACE),
        dose_mg=None if by_surface else in_unit(given, "dose", "mg"),
        dose_mg_per_m2=compound(given, "dose", "mg/m2") if by_surface else None,
        body_surface_m2=compound(given, "body_surface", "m2"),
        bilirubin_mg_per_dl=compound(given, "bilirubin", "mg/dL"),
        child_pugh_class=given.get("child_pugh"),
        oil_ml=in_unit(given, "oil", "mL"),
        aqueous_ml=in_unit(given, "aqueous", "mL"),
        oil_to_aqueous=compound(given, "ratio", ""),
        drug_concentration_mg_per_ml=compound(given, "strength", "mg/mL"),
        aqueous_phase=given.get("diluent"),
        age_years=given.get("age"),
        protocol=given.get("protocol"),
        particles_after=given.get("product"),
        mixed_with=given.get("mixed_with"),
        catalog=catalog,
    )


def _bland(given: Mapping[str, Any], catalog: Any) -> ParticleChoice:
    from emboplan.embolics.particles import particles
    from emboplan.model.arm import ArmTechnique
    from emboplan.workflow.load import require_arm

    if "arm" in given:
        require_arm(given.get("protocol"), given["arm"], ArmTechnique.BLAND, catalog)
    optional = {name: given[name] for name in ("shunt", "end_point") if name in given}
    return particles(
        product=_needed(given, "product", Technique.BLAND),
        target_um=wanted_um(given.get("sizes")),
        protocol=given.get("protocol"),
        catheter_inner_diameter_in=in_unit(given, "catheter", "in"),
        heart_rate_per_min=given.get("heart_rate"),
        catalog=catalog,
        **optional,
    )
