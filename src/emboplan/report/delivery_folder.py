"""The result of `emboplan verify`: its folder, and the same in a few lines of text.

    delivery.json       readings, delivered activity, doses, directive, PET
    registration.json   how the PET was registered to the CT, where that was asked for
    figures/            the picture of that registration

The folder appears whole or not at all; an earlier result is replaced only when asked to.
"""

from __future__ import annotations

import json
from pathlib import Path

from emboplan.files.atomic import atomic_folder
from emboplan.model.results.activity import Doses
from emboplan.model.results.delivery import DeliveryReport, ImageComparison, TerritoryDelivery
from emboplan.report.folder import FIGURES, REGISTRATION_JSON
from emboplan.report.own_folder import require_own_folder
from emboplan.units import PERCENT
from emboplan.workflow.registering.laid_scan import LaidScan

DELIVERY_JSON = "delivery.json"
OURS = (DELIVERY_JSON, REGISTRATION_JSON, f"{FIGURES}/*.png")


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the long work."""
    require_own_folder(folder, DELIVERY_JSON, OURS, force=force)


def write_delivery_folder(
    report: DeliveryReport, folder: Path, *, force: bool, laid: LaidScan | None = None
) -> Path:
    """Write the result, and with `laid` the registration of the PET and its picture.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    check_writable(folder, force=force)
    with atomic_folder(folder, DELIVERY_JSON, force=force) as work:
        text = json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        (work / DELIVERY_JSON).write_text(text + "\n", encoding="utf-8")
        if laid is not None:
            write_laid(laid, work)
    return folder


def write_laid(laid: LaidScan, work: Path) -> None:
    """The numbers of a registration and its picture, in a folder in the making."""
    from emboplan.report.registration_figure import draw_laid

    text = json.dumps(laid.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    (work / REGISTRATION_JSON).write_text(text + "\n", encoding="utf-8")
    (work / FIGURES).mkdir(exist_ok=True)
    picture = draw_laid(laid.ct, laid.shown, liver=laid.liver)
    (work / FIGURES / picture.name).write_bytes(picture.content)


def delivery_lines(report: DeliveryReport) -> list[str]:
    """Each territory, the PET, what was noticed, and how much of the directive is blank."""
    lines: list[str] = []
    for territory in report.territories:
        lines += _territory(territory)
    shared = Doses(whole_normal=report.whole_normal_gy, lung=report.lung_gy)
    if len(report.territories) > 1 and _doses(shared):
        lines.append(f"all territories: {_doses(shared)}")
    image = report.image
    if image is not None:
        lines.append(f"PET, {image.nuclide}, brought to {image.moment.isoformat()}")
        lines.append(f"  whole image  {_comparison(image.whole)}")
        if image.liver is not None:
            lines.append(f"  liver        {_comparison(image.liver)}")
    for name, finding in report.all_findings:
        where = f"{name}: " if name and not finding.text.startswith(name) else ""
        lines.append(f"{finding.severity.value}: {where}{finding.text}")
    return lines


def _territory(one: TerritoryDelivery) -> list[str]:
    done = one.administration
    prescribed = f"{one.prescribed_gbq:.4g} GBq prescribed by the {one.prescribed_by.value}"
    residual = f"{done.residual_gbq:.3g} GBq ({done.residual_frac * PERCENT:.2f} %)"
    share = f"{one.delivered_frac * PERCENT:.1f} %"
    lines = [
        f"{one.territory}: {one.delivered_gbq:.4g} GBq delivered, {share} of the {prescribed}",
        f"  prepared {done.prepared_gbq:.4g} GBq ({done.basis}), residual {residual}",
    ]
    if done.label_at_injection_gbq is not None:
        lines.append(f"  label {done.label_at_injection_gbq:.4g} GBq at injection")
    if done.assay_at_injection_gbq is not None:
        lines.append(f"  own assay {done.assay_at_injection_gbq:.4g} GBq at injection")
    if one.delivered_doses_gy is not None:
        lines.append(f"  doses ({one.model}): {_doses(one.delivered_doses_gy)}")
    lines.append(f"  written directive: {len(one.directive.blanks)} items are left for a person")
    return lines


def _doses(doses: Doses) -> str:
    named = (
        ("tumour", doses.tumour),
        ("perfused normal", doses.perfused_normal),
        ("whole normal", doses.whole_normal),
        ("treated volume", doses.perfused),
        ("lungs", doses.lung),
    )
    return ", ".join(f"{name} {dose:.3g} Gy" for name, dose in named if dose is not None)


def _comparison(one: ImageComparison) -> str:
    return (
        f"{one.total_gbq:.4g} GBq, expected {one.expected_gbq:.4g} GBq "
        f"({one.relative_difference_frac * PERCENT:+.1f} %)"
    )
