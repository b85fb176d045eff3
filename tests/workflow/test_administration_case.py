"""The administrations of a case file: every value where it belongs, every mistake in one line."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.workflow.administered import FULL_ADMINISTRATION, case_text

from emboplan.catalog import load
from emboplan.errors import CaseFileError
from emboplan.model.case import RecordedAdministration, VialLabel
from emboplan.model.results.administration import Reading
from emboplan.workflow.cases.casefile import read_case

BOSTON = timezone(timedelta(hours=-5))


def on_the_day(hour: int, minute: int = 0, day: int = 3) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=BOSTON)


def written(folder: Path, text: str) -> Path:
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(CaseFileError) as raised:
        read_case(written(folder, text), load())
    return list(raised.value.problems)


def without_administration() -> str:
    return case_text().partition("[[administration]]")[0]


def test_every_value_is_where_it_belongs(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, without_administration() + FULL_ADMINISTRATION), load())
    assert case.administrations == (
        RecordedAdministration(
            injection_time=on_the_day(10, 30),
            before=Reading(82, "uSv/h", on_the_day(10), "A", background=2),
            after=Reading(4, "uSv/h", on_the_day(11), geometry="jar", background=2),
            territory="right lobe",
            device="sir-spheres",
            label=VialLabel(3.0, on_the_day(18)),
            assay=Reading(3.1, "GBq", on_the_day(9)),
            draw_before=Reading(3.1, "GBq", on_the_day(9)),
            draw_after=Reading(27, "mCi", on_the_day(9, 10)),
            image_total=Reading(2, "GBq", on_the_day(10, 30, day=4)),
            stasis=True,
            spheres=30e6,
            pet_scanner_nuclide="F-18",
            pet_lungs_in_field=False,
        ),
    )


def test_what_is_not_recorded_is_not_known(tmp_path: Path) -> None:
    given = read_case(written(tmp_path, case_text(more="")), load()).administrations[0]
    assert (given.territory, given.stasis, given.label, given.pet_lungs_in_field) == (None,) * 4


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('territory = "right lobe"', 'territory = "left"', '.territory: found "left"; expected one of right'),
        ('device = "sir-spheres"', 'device = "beads"', '.device: found "beads"; expected one of therasphere'),
        (
            "T10:30:00-05:00\nbefore",
            "T10:30:00\nbefore",
            ".injection_time: found 2026-12-03T10:30:00 without",
        ),
        ("stasis = true", 'stasis = "yes"', '.stasis: found "yes"; expected'),
        ("stasis = true", "flow = true", ".flow: unknown key; known here: territory, device"),
        ('"82 uSv/h"', "82", ".before.value: found 82; expected a reading such as"),
        ('"82 uSv/h"', '"-82 uSv/h"', '.before.value: found "-82 uSv/h"; expected a reading'),
        ('"82 uSv/h"', '"82"', '.before.value: found "82"; expected a reading'),
        ('"4 uSv/h"', '"0.04 mR/h"', '.after.value: found the unit "mR/h"; expected "uSv/h" as before'),
        ('background = "2 uSv/h", instr', 'background = "90 uSv/h", instr', "found 90 uSv/h, above the read"),
        (
            'background = "2 uSv/h", instr',
            'background = "2 mR/h", instr',
            'the unit "mR/h"; expected "uSv/h"',
        ),
        ('assay = { value = "3.1 GBq"', 'assay = { value = "9 uSv/h"', ".assay.value: found the unit"),
        ('"3 GBq", cal', '"3 Gy", cal', ".label.activity: found"),
        ("spheres = 30e6", "spheres = 0", ".spheres: found 0; expected a number above 0"),
        (
            "after = { value",
            "after_ = { value",
            ".after_: unknown key",
        ),
        (
            "time = 2026-12-03T11:00:00-05:00",
            "time = 2026-12-03T10:00:00-05:00",
            ".after.time: found 2026-12-03T10:00:00-05:00, earlier than injection_time",
        ),
        (
            "time = 2026-12-03T10:00:00-05:00",
            "time = 2026-12-03T10:00:00-06:00",
            ".injection_time: found 2026-12-03T10:30:00-05:00, earlier than before.time",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_key(old: str, new: str, line: str, tmp_path: Path) -> None:
    assert old in FULL_ADMINISTRATION
    found = problems(tmp_path, without_administration() + FULL_ADMINISTRATION.replace(old, new, 1))
    assert [problem for problem in found if line in problem] != []
    assert all(problem.startswith("case.toml: administration[0]") for problem in found)


def test_half_a_dose_draw_is_refused(tmp_path: Path) -> None:
    lines = [line for line in FULL_ADMINISTRATION.splitlines() if not line.startswith("draw_after")]
    found = problems(tmp_path, without_administration() + "\n".join(lines))
    (line,) = found
    assert line.startswith(
        "case.toml: administration[0].draw_after: not found; a dose draw needs the reading"
    )


def test_a_territory_is_administered_once_and_one_pet_is_told_one_thing(tmp_path: Path) -> None:
    second = FULL_ADMINISTRATION.replace('"F-18"', '"Ge-68"')
    found = problems(tmp_path, without_administration() + FULL_ADMINISTRATION + second)
    twice, pet = found
    assert twice.startswith(
        'case.toml: administration[1].territory: "right lobe" is administered twice; give'
    )
    assert pet.startswith('case.toml: administration.pet_scanner_nuclide: found "F-18" and "Ge-68"; one PET')


def test_of_several_territories_the_treated_one_must_be_named(tmp_path: Path) -> None:
    left = '[[territory]]\nname = "left lobe"\nvolume = "300 mL"\n'
    found = problems(tmp_path, case_text(rest=left))
    assert found == [
        "case.toml: administration[0].territory: not found; expected one of right lobe, left lobe"
    ]


def test_a_device_is_needed(tmp_path: Path) -> None:
    found = problems(tmp_path, case_text().replace('device = "therasphere"', ""))
    assert found == ["case.toml: administration[0].device: not found; give it here or under [procedure]"]
