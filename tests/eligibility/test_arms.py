"""Arms: the documents' words and numbers, closed arms refused, and mistakes in an arm's table."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.eligibility.conftest import PROTOCOL_FILES, Clinic
from tests.eligibility.test_criterion import TABLE
from tests.eligibility.test_protocols import one_line

from emboplan.eligibility.arms import open_arm
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.errors import CatalogError, InputError
from emboplan.model.arm import ArmTechnique

ARM: dict[str, Any] = {
    "id": "a", "name": "Arm A", "text": "words", "source": "site.txt", "technique": "bland",
}  # fmt: skip


def test_the_arms_of_each_protocol(clinic: Clinic) -> None:
    arms = {
        name: [(it.id, it.technique.value) for it in p.arms if not it.closed]
        for name, p in clinic.protocols.items()
    }
    assert arms == {
        "DEBOXA": [("d-tace", "deb-tace")],
        "CapTemY90": [("captem-tare", "tare")],
        "TAE-IT": [("systemic", "systemic"), ("tae", "bland")],
        "MSK-19-125": [("be", "bland"), ("tace", "ctace")],
        "RETNET": [("be", "bland"), ("tace", "ctace")],
    }


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_the_words_of_an_arm_stand_in_its_document(
    clinic: Clinic, trial_documents: Path, protocol: str
) -> None:
    it = clinic.protocols[protocol]
    document = one_line((trial_documents / it.source).read_text(encoding="utf-8"))
    assert [arm.id for arm in it.arms if one_line(arm.text) not in document] == []
    assert all(arm.source.startswith(it.source) for arm in it.arms)


def test_bland_embolization_of_retnet(clinic: Clinic) -> None:
    """Lobar or segmental, microspheres of 50-500 microns, to 2-5 heartbeat stasis."""
    arm = open_arm(clinic.protocols["RETNET"], "be")
    assert arm.technique is ArmTechnique.BLAND
    assert arm.extent == ("lobar", "segmental")
    assert arm.sizes_um == ((Decimal(50), Decimal(500)),)
    assert (arm.end_point, arm.stasis_heartbeats) == ("2-5 heartbeat stasis", (Decimal(2), Decimal(5)))
    assert arm.drugs == ()


def test_chemoembolization_of_retnet(clinic: Clinic) -> None:
    """Doxorubicin 50 mg in 10 mL dilute contrast, 10-20 cc iodized oil, then 50-500 um microspheres."""
    arm = open_arm(clinic.protocols["RETNET"], "tace")
    (drug,) = arm.drugs
    assert (drug.name, drug.dose, drug.unit) == ("doxorubicin", (Decimal(50), Decimal(50)), "mg")
    assert arm.emulsion is not None
    assert arm.emulsion.aqueous_ml == (Decimal(10), Decimal(10))
    assert arm.emulsion.oil_ml == (Decimal(10), Decimal(20))
    assert arm.sizes_um == ((Decimal(50), Decimal(500)),)
    assert arm.stasis_heartbeats is None


def test_what_documents_do_not_state_is_not_there(clinic: Clinic) -> None:
    deboxa = open_arm(clinic.protocols["DEBOXA"], "d-tace")
    assert deboxa.product == "CalliSpheres Drug-Eluting Beads"
    assert [(drug.name, drug.dose) for drug in deboxa.drugs] == [("oxaliplatin", None)]
    assert deboxa.sizes_um == ()
    msk = open_arm(clinic.protocols["MSK-19-125"], "tace")
    assert (msk.sizes_um, msk.emulsion, msk.drugs[0].dose) == ((), None, None)


def test_published_doses_of_captem_are_said_to_be_no_words_of_the_document(clinic: Clinic) -> None:
    drugs = {drug.name: drug for drug in open_arm(clinic.protocols["CapTemY90"], "captem-tare").drugs}
    assert drugs["capecitabine"].dose == (Decimal(600), Decimal(750))
    assert drugs["temozolomide"].dose == (Decimal(150), Decimal(200))
    for drug in drugs.values():
        assert "published regimen, not stated in the trial document" in (drug.given or "")
        assert not drug.source.startswith("captem_y90.txt")


@pytest.mark.parametrize("protocol", ["RETNET", "MSK-19-125"])
def test_a_closed_arm_is_refused_with_its_reason(clinic: Clinic, protocol: str) -> None:
    with pytest.raises(InputError, match=r'the arm "deb" .* is closed: .*; open arms: be, tace') as caught:
        open_arm(clinic.protocols[protocol], "deb")
    assert "CLOSED" in str(caught.value)
    (closed,) = [it for it in clinic.protocols[protocol].arms if it.closed]
    assert closed.technique is ArmTechnique.DEB_TACE


def test_the_closed_arm_of_retnet_keeps_its_procedure(clinic: Clinic) -> None:
    (arm,) = [it for it in clinic.protocols["RETNET"].arms if it.closed]
    assert arm.sizes_um == ((Decimal(100), Decimal(300)), (Decimal(300), Decimal(500)))
    assert (arm.loading, arm.repeats) == (
        "per manufacturer IFU",
        "monthly until entire tumor burden is treated",
    )


def test_an_unknown_arm_names_the_open_ones(clinic: Clinic) -> None:
    with pytest.raises(InputError, match='TAE-IT has no arm "deb"; open arms: systemic, tae'):
        open_arm(clinic.protocols["TAE-IT"], "deb")
    without = protocol_from_table(TABLE, clinic.definitions)
    with pytest.raises(InputError, match='SITE has no arm "a"; open arms: none'):
        open_arm(without, "a")


@pytest.mark.parametrize(
    ("arm", "line"),
    [
        ({**ARM, "size": 3}, "arm[0].size: unknown key"),
        ({key: value for key, value in ARM.items() if key != "source"}, "arm[0].source: missing"),
        ({**ARM, "technique": "magic"}, 'arm[0].technique: found "magic", expected one of bland, ctace'),
        ({**ARM, "closed": True}, "arm[0].closed_because: stands where, and only where, closed = true"),
        ({**ARM, "closed_because": "x"}, "arm[0].closed_because: stands where"),
        ({**ARM, "extent": "lobar"}, 'arm[0].extent: found "lobar", expected a list of texts'),
        (
            {**ARM, "sizes_um": [[500, 50]]},
            "arm[0].sizes_um[0]: found [500, 50], expected numbers above 0, the least",
        ),
        ({**ARM, "sizes_um": [[0, 50]]}, "expected numbers above 0"),
        ({**ARM, "sizes_um": [[1, 2, 3]]}, "expected a number, or the least and the most"),
        ({**ARM, "sizes_um": 50}, "arm[0].sizes_um: found 50, expected a list of pairs"),
        ({**ARM, "stasis_heartbeats": "2"}, 'arm[0].stasis_heartbeats: found "2", expected a number'),
        (
            {**ARM, "drug": [{"name": "d", "source": "s", "status": "confirmed", "dose": 5}]},
            "arm[0].drug[0].unit: dose and unit",
        ),
        (
            {**ARM, "drug": [{"name": "d", "source": "s", "status": "sure"}]},
            'arm[0].drug[0].status: found "sure"',
        ),
        (
            {**ARM, "emulsion": {"oil": "o", "oil_ml": 1, "aqueous": "a"}},
            "arm[0].emulsion.aqueous_ml: missing",
        ),
        ({**ARM, "note": [{"text": "t"}]}, "arm[0].note[0].source: found nothing, expected text"),
    ],
)
def test_mistakes_in_an_arm_name_their_place(clinic: Clinic, arm: dict[str, Any], line: str) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table({**TABLE, "arm": [arm]}, clinic.definitions)
    assert line in str(caught.value)


def test_two_arms_of_one_id(clinic: Clinic) -> None:
    with pytest.raises(CatalogError, match='arm: the id "a" stands twice'):
        protocol_from_table({**TABLE, "arm": [ARM, ARM]}, clinic.definitions)


def lines(clinic: Clinic, *arms: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table({**TABLE, "arm": list(arms)}, clinic.definitions)
    return str(caught.value).splitlines()


def test_an_unknown_arm_names_no_closed_one(clinic: Clinic) -> None:
    with pytest.raises(InputError, match=r"open arms: be, tace$"):
        open_arm(clinic.protocols["RETNET"], "x")


def test_a_closed_arm_before_an_open_one(clinic: Clinic) -> None:
    closed = {**ARM, "id": "c", "closed": True, "closed_because": "full"}
    protocol = protocol_from_table({**TABLE, "arm": [closed, ARM]}, clinic.definitions)
    assert open_arm(protocol, "a").id == "a"
    with pytest.raises(InputError, match=r"\(Arm A\) is closed: full; open arms: a$"):
        open_arm(protocol, "c")
    unexplained = replace(protocol.arms[0], closed_because=None)
    with pytest.raises(InputError, match=r"\(Arm A\) is closed; open arms: a$"):
        open_arm(replace(protocol, arms=(unexplained, protocol.arms[1])), "c")


def test_double_ids_come_in_their_order(clinic: Clinic) -> None:
    names = ["e", "b", "d", "a", "c"]
    arms = [{**ARM, "id": name} for name in names for _ in range(2)]
    assert lines(clinic, *arms) == [f'arm: the id "{name}" stands twice' for name in sorted(names)]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"extent": [""]}, "extent: found [''], expected a list of texts"),
        ({"extent": ["lobar", 3]}, "extent: found ['lobar', 3], expected a list of texts"),
        ({"sizes_um": [["x", 50]]}, 'sizes_um[0]: found "x", expected a number'),
        ({"sizes_um": [[50, "x"]]}, 'sizes_um[0]: found "x", expected a number'),
        (
            {"drug": [{"name": "d", "source": "s", "status": "confirmed", "mg": 5}]},
            "drug[0].mg: unknown key, expected one of name, dose, unit, given, source, status",
        ),
        ({"drug": [{"source": "s", "status": "confirmed"}]}, "drug[0].name: missing"),
        ({"note": [{"text": "t", "source": "s", "place": 1}]},
         "note[0].place: unknown key, expected one of text, source"),
        ({"emulsion": {"oil": "o", "oil_ml": 1, "aqueous": "a"}}, "emulsion.aqueous_ml: missing"),
    ],
)  # fmt: skip
def test_one_line_for_each_mistake(clinic: Clinic, more: dict[str, Any], line: str) -> None:
    assert lines(clinic, {**ARM, **more}) == [f"arm[0].{line}"]


def test_sizes_below_one_and_of_one_number(clinic: Clinic) -> None:
    arm = {**ARM, "sizes_um": [[Decimal("0.5"), 1], 40]}
    (read,) = protocol_from_table({**TABLE, "arm": [arm]}, clinic.definitions).arms
    assert read.sizes_um == ((Decimal("0.5"), Decimal(1)), (Decimal(40), Decimal(40)))
