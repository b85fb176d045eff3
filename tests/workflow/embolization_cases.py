"""Case files of embolizations of the patient of boxes: 64 mL of tumour on the right, 27 mL on the left."""

from __future__ import annotations

DEB = (
    'product = "DC Bead 100-300"\ndrug = "doxorubicin"\ndrug_dose = "75 mg"\nsolution = "3 mL"\n'
    'diluent = "water for injection"\ncatheter_inner_diameter = "0.021 in"'
)
OXALIPLATIN = (
    'product = "callispheres-100-300"\ndrug = "oxaliplatin"\ndrug_dose = "100 mg"\n'
    'loading_efficiency_frac = 0.8\nbeads = "2 mL"'
)
CTACE = 'drug = "doxorubicin"\ndrug_dose = "50 mg"\noil = "12 mL"\naqueous = "10 mL"'
BLAND = 'product = "Bearing"\ntarget_size = "45-355 um"\ncatheter_inner_diameter = "0.021 in"'
BILIRUBIN = '[facts]\nbilirubin = { value = 0.8, unit = "mg/dL" }'


def embolization(
    kind: str,
    loading: str,
    *,
    procedure: str = "",
    right: str = "",
    left: str | None = "",
    person: str = 'height = "168 cm"\nweight = "64 kg"',
    rest: str = BILIRUBIN,
) -> str:
    """A case file with a territory for each half of the liver; `left` None leaves that half out."""
    lobe = "" if left is None else f'[[territory]]\nname = "left lobe"\nmask = "left.nii.gz"\n{left}'
    return f"""
[patient]
id = "NET-001"
sex = "F"
age_years = 58
{person}

[images]
ct = "CT/"
liver = "liver.nii.gz"
tumours = "tumours.nii.gz"

[procedure]
kind = "{kind}"
{procedure}

[[territory]]
name = "right lobe"
mask = "right.nii.gz"
{right}

{lobe}

[loading]
{loading}

{rest}
"""
