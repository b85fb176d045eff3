"""emboplan: from DICOM to a liver embolization plan that can be checked.

Research software, not a medical device. ``import emboplan as ep`` names the public functions below and loads
each only when it is used, so that the import and ``emboplan --help`` stay instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from emboplan import catalog as catalog
    from emboplan.dosimetry.beta.point_kernel import point_kernel as point_kernel
    from emboplan.dosimetry.decay import decay as decay
    from emboplan.dosimetry.histograms.dvh import dvh as dvh
    from emboplan.dosimetry.histograms.dvh import placing_bounds as placing_bounds
    from emboplan.dosimetry.models.body_surface import bsa_activity as bsa_activity
    from emboplan.dosimetry.models.compartment import lung_dose as lung_dose
    from emboplan.dosimetry.models.compartment import multi_compartment as multi_compartment
    from emboplan.dosimetry.models.compartment import partition as partition
    from emboplan.dosimetry.models.compartment import single_compartment as single_compartment
    from emboplan.dosimetry.models.empiric import empiric_activity as empiric_activity
    from emboplan.dosimetry.radiobiology import bed as bed
    from emboplan.dosimetry.radiobiology import eqd2 as eqd2
    from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel as voxel_s_kernel
    from emboplan.embolics.bead_loading.beads import BeadRequest as BeadRequest
    from emboplan.embolics.emulsions.emulsion import emulsion as emulsion
    from emboplan.embolics.particles import particles as particles
    from emboplan.imaging.moved import resampled as resampled
    from emboplan.measure.burden import measure_burden
    from emboplan.model.anatomy import Anatomy as Anatomy
    from emboplan.model.anatomy import Review as Review
    from emboplan.model.case import Case as Case
    from emboplan.model.case import DoseGoal as DoseGoal
    from emboplan.model.case import ImageSources as ImageSources
    from emboplan.model.case import Limits as Limits
    from emboplan.model.case import MaskSource as MaskSource
    from emboplan.model.case import Patient as Patient
    from emboplan.model.case import Procedure as Procedure
    from emboplan.model.case import Territory as Territory
    from emboplan.model.grid import Grid as Grid
    from emboplan.model.image import ActivityMap as ActivityMap
    from emboplan.model.image import CountImage as CountImage
    from emboplan.model.image import CtImage as CtImage
    from emboplan.model.image import DensityMap as DensityMap
    from emboplan.model.image import DoseMap as DoseMap
    from emboplan.model.image import MrImage as MrImage
    from emboplan.model.image import MrSequence as MrSequence
    from emboplan.model.mask import LabelMap as LabelMap
    from emboplan.model.mask import Mask as Mask
    from emboplan.segmentation.agreement import agreement as agreement
    from emboplan.segmentation.lesion_agreement import lesion_agreement as lesion_agreement
    from emboplan.synthetic.analytic.case import AnalyticCase as AnalyticCase
    from emboplan.synthetic.patient import DigitalPatient as DigitalPatient
    from emboplan.workflow.delivering.delivery import verify as verify
    from emboplan.workflow.dosing.dose import DoseWarning as DoseWarning
    from emboplan.workflow.dosing.dose import dose as dose
    from emboplan.workflow.dosing.dose import dose_result as dose_result
    from emboplan.workflow.load import load_bead_sessions as load_bead_sessions
    from emboplan.workflow.load import load_beads as load_beads
    from emboplan.workflow.phantom import phantom as phantom
    from emboplan.workflow.plan_case import plan as plan
    from emboplan.workflow.planning.activity_plan import activity as activity
    from emboplan.workflow.planning.what_if import what_if as what_if
    from emboplan.workflow.protocol_file import arm as arm
    from emboplan.workflow.registering.accepted import register as register
    from emboplan.workflow.responding.respond import respond as respond
    from emboplan.workflow.responding.respond import respond_cohort as respond_cohort
    from emboplan.workflow.schedule_case import schedule as schedule
    from emboplan.workflow.screening.check import check as check
    from emboplan.workflow.screening.check import check_all as check_all
    from emboplan.workflow.screening.check import what_would_change as what_would_change
    from emboplan.workflow.screening.check_table import check_table as check_table
    from emboplan.workflow.segment import segment as segment
    from emboplan.workflow.shunting.shunt import lung_shunt as lung_shunt

    burden = measure_burden

# Where each public name lives; a name is imported from there when it is first used.
_PUBLIC = {
    "ActivityMap": ("emboplan.model.image", "ActivityMap"),
    "AnalyticCase": ("emboplan.synthetic.analytic.case", "AnalyticCase"),
    "Anatomy": ("emboplan.model.anatomy", "Anatomy"),
    "BeadRequest": ("emboplan.embolics.bead_loading.beads", "BeadRequest"),
    "Case": ("emboplan.model.case", "Case"),
    "CountImage": ("emboplan.model.image", "CountImage"),
    "CtImage": ("emboplan.model.image", "CtImage"),
    "DigitalPatient": ("emboplan.synthetic.patient", "DigitalPatient"),
    "DensityMap": ("emboplan.model.image", "DensityMap"),
    "DoseGoal": ("emboplan.model.case", "DoseGoal"),
    "DoseMap": ("emboplan.model.image", "DoseMap"),
    "Grid": ("emboplan.model.grid", "Grid"),
    "ImageSources": ("emboplan.model.case", "ImageSources"),
    "LabelMap": ("emboplan.model.mask", "LabelMap"),
    "Limits": ("emboplan.model.case", "Limits"),
    "Mask": ("emboplan.model.mask", "Mask"),
    "MaskSource": ("emboplan.model.case", "MaskSource"),
    "MrImage": ("emboplan.model.image", "MrImage"),
    "MrSequence": ("emboplan.model.image", "MrSequence"),
    "Patient": ("emboplan.model.case", "Patient"),
    "Procedure": ("emboplan.model.case", "Procedure"),
    "Review": ("emboplan.model.anatomy", "Review"),
    "Territory": ("emboplan.model.case", "Territory"),
    "agreement": ("emboplan.segmentation.agreement", "agreement"),
    "lesion_agreement": ("emboplan.segmentation.lesion_agreement", "lesion_agreement"),
    "register": ("emboplan.workflow.registering.accepted", "register"),
    "resampled": ("emboplan.imaging.moved", "resampled"),
    "activity": ("emboplan.workflow.planning.activity_plan", "activity"),
    "bed": ("emboplan.dosimetry.radiobiology", "bed"),
    "bsa_activity": ("emboplan.dosimetry.models.body_surface", "bsa_activity"),
    "burden": ("emboplan.measure.burden", "measure_burden"),
    "check": ("emboplan.workflow.screening.check", "check"),
    "check_all": ("emboplan.workflow.screening.check", "check_all"),
    "check_table": ("emboplan.workflow.screening.check_table", "check_table"),
    "what_would_change": ("emboplan.workflow.screening.check", "what_would_change"),
    "arm": ("emboplan.workflow.protocol_file", "arm"),
    "decay": ("emboplan.dosimetry.decay", "decay"),
    "DoseWarning": ("emboplan.workflow.dosing.dose", "DoseWarning"),
    "dose": ("emboplan.workflow.dosing.dose", "dose"),
    "dose_result": ("emboplan.workflow.dosing.dose", "dose_result"),
    "dvh": ("emboplan.dosimetry.histograms.dvh", "dvh"),
    "empiric_activity": ("emboplan.dosimetry.models.empiric", "empiric_activity"),
    "emulsion": ("emboplan.embolics.emulsions.emulsion", "emulsion"),
    "eqd2": ("emboplan.dosimetry.radiobiology", "eqd2"),
    "load_bead_sessions": ("emboplan.workflow.load", "load_bead_sessions"),
    "load_beads": ("emboplan.workflow.load", "load_beads"),
    "lung_shunt": ("emboplan.workflow.shunting.shunt", "lung_shunt"),
    "multi_compartment": ("emboplan.dosimetry.models.compartment", "multi_compartment"),
    "lung_dose": ("emboplan.dosimetry.models.compartment", "lung_dose"),
    "particles": ("emboplan.embolics.particles", "particles"),
    "partition": ("emboplan.dosimetry.models.compartment", "partition"),
    "point_kernel": ("emboplan.dosimetry.beta.point_kernel", "point_kernel"),
    "voxel_s_kernel": ("emboplan.dosimetry.voxel.voxel_s", "voxel_s_kernel"),
    "placing_bounds": ("emboplan.dosimetry.histograms.dvh", "placing_bounds"),
    "phantom": ("emboplan.workflow.phantom", "phantom"),
    "plan": ("emboplan.workflow.plan_case", "plan"),
    "schedule": ("emboplan.workflow.schedule_case", "schedule"),
    "respond": ("emboplan.workflow.responding.respond", "respond"),
    "respond_cohort": ("emboplan.workflow.responding.respond", "respond_cohort"),
    "segment": ("emboplan.workflow.segment", "segment"),
    "what_if": ("emboplan.workflow.planning.what_if", "what_if"),
    "verify": ("emboplan.workflow.delivering.delivery", "verify"),
    "single_compartment": ("emboplan.dosimetry.models.compartment", "single_compartment"),
}

__all__ = [*sorted(_PUBLIC), "__version__", "catalog"]  # noqa: PLE0604  names of a table, all strings


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name == "catalog":
        return import_module("emboplan.catalog")
    if name not in _PUBLIC:
        raise AttributeError(f"emboplan has no public name {name!r}; public: {', '.join(__all__)}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
