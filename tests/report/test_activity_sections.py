"""Models, goals, limits, certainty, second calculation, biology: the numbers of the plan with their units."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.conftest import MakeRich
from tests.report.reading import cells, row, section, table, tables, texts

from emboplan.model.plan import Plan
from emboplan.model.results.activity import Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import Price
from emboplan.report.compose import compose
from emboplan.report.document import Document, Section
from emboplan.report.sections.plan_words import plan_sentences, price_words
from emboplan.report.summary import summary_lines


@pytest.fixture(scope="module")
def document(rich: Plan) -> Document:
    return compose(rich, ())


@pytest.fixture(scope="module")
def activity(document: Document) -> Section:
    return section(document, "activity")


def _of(plan: Plan) -> ActivityPlan:
    assert plan.activity is not None
    return plan.activity


def test_the_plan_is_one_sentence_with_vial_hour_and_price(document: Document, rich: Plan) -> None:
    """7 GBq after 88.5 h at 64.1 h: 7 x 2^(-88.5/64.1) x 0.99 = 2.66 GBq, in both territories."""
    said = texts(section(document, "summary"))
    assert "right lobe 2.66 GBq administered from a vial of 7 GBq; left lobe 2.66 GBq" in said
    assert "calibrated Sun 29 Nov 2026, 12:00 (UTC−05:00), given Thu 3 Dec 2026, 10:30 (UTC+01:00)." in said
    assert (
        "What binds: one more gray of the limit on the whole normal liver (glass, bilirubin high or not "
        "known) would buy 3.4 Gy of tumour dose, up to +12 Gy." in said
    )
    assert any("right lobe 2.66 GBq" in line for line in summary_lines(rich))


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (
            Price("goal", "Gy", Quantity.WHOLE_NORMAL, 0.21, None),
            "one more gray of the goal would cost 0.21 Gy of whole normal liver dose",
        ),
        (
            Price("lung_session", "Gy", Quantity.TUMOUR, 12.0, 3.0),
            (
                "one more gray of the limit on the lungs (one session) would buy 12 Gy of tumour dose, up to "
                "+3.0 Gy"
            ),
        ),
        (
            Price("therasphere_lung_activity", "GBq", Quantity.TUMOUR, 900.0, 0.05),
            (
                "one more GBq of the limit on “TheraSphere: activity in the lungs” would buy 900 Gy "
                "of tumour dose, up to +0.050 GBq"
            ),
        ),
        (
            Price("sir_spheres_lung_shunt", "1", Quantity.TUMOUR, 250.0, 0.04),
            (
                "one more percentage point of the limit on “SIR-Spheres: lung shunt” would buy 2.5 Gy "
                "of tumour dose, up to +4.0 percentage points"
            ),
        ),
    ],
)
def test_prices_read_as_what_one_more_unit_brings(price: Price, text: str) -> None:
    assert text == price_words(price).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("binding", "text"),
    [
        ("entered", "The activity was entered, not computed."),
        ("goal", "What decides is the dose goal."),
        ("vial", "What decides is the choice of vials."),
        ("lung_session", "What binds is the limit on the lungs (one session)."),
        (None, ""),
    ],
)
def test_without_a_price_only_what_binds_is_said(rich: Plan, binding: str | None, text: str) -> None:
    said = plan_sentences(replace(_of(rich), binding=binding, price=None))
    assert said.endswith(text)
    assert "would" not in said


def test_models_have_a_table_for_each_territory_with_one_choice(activity: Section) -> None:
    side_by_side = [each for each in tables(activity) if each.caption.startswith("Models side by side")]
    assert len(side_by_side) == 2
    for each in side_by_side:
        assert len(each.header) == 1 + 7
        assert [cell.text for cell in each.header[1:3]] == ["Partition model", "Multi-compartment"]
        assert [cell.text for cell in each.rows[-1]].count("chosen") == 1
        assert row(each, "Goal reached")[2] == "NO"
    assert row(side_by_side[0], "Administered activity (GBq)")[1] == "2.66"


def test_the_territories_add_up_in_a_table_of_their_own(activity: Section, rich: Plan) -> None:
    total = _of(rich).chosen
    assert total is not None
    together = table(activity, "The plan over all territories")
    assert row(together, "Administered activity (GBq)") == [
        "Administered activity (GBq)", "2.66", "2.66", f"{total.administered_gbq:.2f}",
    ]  # fmt: skip


def test_a_single_territory_needs_no_table_of_sums(make_rich: MakeRich) -> None:
    one = section(compose(make_rich(1), ()), "activity")
    assert not [each for each in tables(one) if each.caption.startswith("The plan over")]
    assert [cell.text for cell in table(one, "Models side by side").rows[-1]].count("chosen") == 1


def test_limits_say_what_is_left_how_likely_and_how_derived(activity: Section) -> None:
    limits = table(activity, "Limits")
    lungs = row(limits, "Lungs, one session")
    assert lungs[1:] == [
        "all territories", "13.3 Gy", "30 Gy", "24.1 Gy", "kept", "below 0.1 %",
        "planar shunt and 1 kg lung mass",
    ]  # fmt: skip
    whole = row(limits, "Whole normal liver, glass, bilirubin high or not known")
    assert whole[3] == "below 50 Gy"
    assert whole[6] == "43 %"


def test_limits_that_other_models_exceed_are_told(activity: Section) -> None:
    over = table(activity, "Limits that the other models exceed")
    assert {cells_[1].text for cells_ in over.rows} == {
        "Voxel dose map, right lobe",
        "Voxel dose map, left lobe",
    }
    assert all(cells_[4].text == "EXCEEDED" for cells_ in over.rows)


def test_the_goal_is_the_users_and_stands_beside_what_is_published(activity: Section) -> None:
    goals = table(activity, "Goals, as entered")
    assert row(goals, "right lobe") == ["right lobe", "tumour", "150", "165", "met", "own series, 2025"]
    assert "No EANM value exists for neuroendocrine metastases" in texts(activity)
    published = table(activity, "What is published")
    assert [cells_[0].text for cells_ in published.rows] == ["Published goal", "Evidence"]
    note = published.footnotes[published.rows[1][2].notes[0] - 1]
    assert note == "NET; confirm against the package insert in force"


def test_a_goal_that_is_met_by_rounding_does_not_read_as_missed(rich: Plan) -> None:
    goal = replace(_of(rich).goals[0], reached_gy=149.9999999999, met=True)
    plan = replace(rich, activity=replace(_of(rich), goals=(goal,)))
    assert row(table(section(compose(plan, ()), "activity"), "Goals"), "right lobe")[2:5] == [
        "150",
        "150",
        "met",
    ]


def test_doses_have_intervals_by_both_methods(document: Document) -> None:
    sure = section(document, "certainty")
    tumour = row(table(sure, "Doses with their intervals"), "Tumour")
    assert tumour == ["Tumour", "right lobe", "165 Gy", "± 25 Gy", "124 to 221 Gy", "122 to 224 Gy"]
    chances = table(sure, "Chance that a limit is exceeded")
    assert [cell.text for cell in cells(chances, "Lungs, one session")][1] == "all territories"
    said = texts(sure)
    assert "lung mass, residual" in said
    assert "Not in the intervals: densities" in said
    inputs = table(sure, "Standard uncertainties that went in")
    assert row(inputs, "Lung shunt")[1] == "1.2 percentage points"
    assert row(inputs, "Lesion volumes")[1] == "5.0 to 11 %"


def test_the_second_calculation_says_passed_or_failed(document: Document, make_rich: MakeRich) -> None:
    passed = section(document, "second-check")
    assert "PASSED: the largest difference is below 0.001 % (tolerance 0.5 %), of 8 numbers" in texts(passed)
    assert row(tables(passed)[0], "Tumour") == [
        "Tumour", "right lobe", "Gy", "165.01", "165.01", "below 0.001 %",
    ]  # fmt: skip
    failed = compose(make_rich(passed=False), ())
    assert "FAILED: the largest difference is 1.2 %" in texts(section(failed, "second-check"))
    assert texts(section(failed, "summary")).startswith("1 computed check failed; 8 items need a physician.")


def test_a_failed_second_calculation_without_a_finding_is_said(make_rich: MakeRich) -> None:
    plan = make_rich(passed=False)
    check = _of(plan).second_check
    assert check is not None
    plan = replace(plan, activity=replace(_of(plan), second_check=replace(check, findings=())))
    said = texts(section(compose(plan, ()), "summary"))
    assert "The second calculation differs by 1.20 % from the plan; the tolerance is 0.5 %." in said


def test_biological_doses_name_their_parameters(document: Document) -> None:
    (each,) = tables(section(document, "biology"))
    assert row(each, "Tumour")[2:] == ["150", "210", "165", "10", "1.5"]
    mark = cells(each, "Perfused normal liver")[0].notes[0]
    assert each.footnotes[mark - 1] == "3DOS; MGH; confirm against the package insert in force"


def test_lung_scales_name_the_limits_that_hold_on_them(make_rich: MakeRich) -> None:
    """One territory: 2.66 GBq times 3.61 Gy/GBq is 9.61 Gy."""
    scales = table(section(compose(make_rich(1), ()), "uptake"), "Lung dose on each scale")
    assert row(scales, "Planar, geometric mean, 7.24 %")[2:] == [
        "3.61 Gy", "9.61 Gy", "Lungs, one session; Lungs, all treatments",
    ]  # fmt: skip
    assert row(scales, "SPECT/CT, 3.10 %")[-1] == "none of the catalogue"
