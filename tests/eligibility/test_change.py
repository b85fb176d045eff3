"""What would make a patient eligible: against trying everything, and on the worked patients."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.eligibility.conftest import PATIENT, PROTOCOL_FILES, Clinic

from emboplan.eligibility.change import what_would_change
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.model.patient import Fact, FactValue, PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Change,
    Compares,
    Criterion,
    CriterionKind,
    FactDefinition,
    FactKind,
    IfThen,
    Is,
    Not,
    Operator,
    Protocol,
    Rule,
    Washout,
)
from emboplan.model.results.eligibility import How, WhatWouldChange


def fact(name: str, kind: FactKind, change: Change = Change.FIXED) -> FactDefinition:
    return FactDefinition(name, kind, "a test", change=change)


HISTORY = fact("history", FactKind.BOOLEAN)
CONSENT = fact("consent", FactKind.BOOLEAN, Change.DECIDE)
BLOOD = fact("blood", FactKind.NUMBER, Change.REPEAT)
BLOOD_AFTER = fact("blood_after", FactKind.NUMBER, Change.REPEAT)
SCAN = fact("scan", FactKind.NUMBER)
READ = fact("read", FactKind.NUMBER)
GRADE = fact("grade", FactKind.INTEGER)
GIVEN = fact("given", FactKind.BOOLEAN)
LAST = fact("last", FactKind.DATE)
ENTRY = fact("entry", FactKind.DATE, Change.WAIT)
ALL_FACTS = {
    it.name: it for it in (HISTORY, CONSENT, BLOOD, BLOOD_AFTER, SCAN, READ, GRADE, GIVEN, LAST, ENTRY)
}

# Enough values to stand on, between and beyond the limits 1 and 2, and the dates on which the washout ends.
VALUES: Mapping[str, list[FactValue]] = {
    "history": [False, True],
    "consent": [False, True],
    **{
        name: [Decimal(v) for v in ("0", "1", "1.5", "2", "3")]
        for name in ("blood", "blood_after", "scan", "read")
    },
    "grade": [Decimal(v) for v in (0, 1, 2, 3)],
    "given": [False, True],
    "last": [date(2025, 1, 1), date(2026, 1, 1), date(2026, 3, 1)],
    "entry": [date(2025, 1, 10), date(2026, 1, 15), date(2026, 2, 1), date(2026, 3, 20), date(2026, 5, 1)],
}

AFTER_ALL = date(2026, 4, 20)
"""A last treatment that is too recent even for the last day of entry."""

BEFORE_ALL = date(2024, 1, 1)
"""A last treatment that is long enough before the first day of entry too."""

operators = st.sampled_from([it for it in Operator if it is not Operator.EQUAL])
limits = st.sampled_from([Decimal(1), Decimal(2)])
leaf = st.one_of(
    st.builds(lambda it, yes: Is(it, (yes,)), st.sampled_from([HISTORY, CONSENT]), st.booleans()),
    st.builds(
        lambda a: Is(GRADE, tuple(Decimal(v) for v in a)), st.sets(st.sampled_from([0, 1, 2]), min_size=1)
    ),
    st.builds(Compares, st.sampled_from([BLOOD, SCAN]), operators, limits),
    st.builds(lambda op, it: Compares(SCAN, op, it, None, READ), operators, limits),
    st.just(Washout(GIVEN, LAST, ENTRY, days=28)),
)
rules = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda it: AllOf(tuple(it))),
        st.lists(inner, min_size=1, max_size=2).map(lambda it: AnyOf(tuple(it))),
        inner.map(Not),
        st.builds(IfThen, inner, inner),
    ),
    max_leaves=3,
)
corrected = st.builds(lambda op, it: (Compares(BLOOD, op, it), BLOOD_AFTER), operators, limits)
criterion = st.one_of(rules.map(lambda it: (it, None)), corrected)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Protocol, PatientFacts]:
    """A small protocol over at most five facts, and a patient of whom some are known."""
    pairs = draw(st.lists(criterion, min_size=1, max_size=3))
    criteria = tuple(
        Criterion(f"C{n}", CriterionKind.INCLUSION, "words", "a test", rule, after)
        for n, (rule, after) in enumerate(pairs)
    )
    protocol = Protocol(
        "TEST", "test", "t", "1", "a test", "confirmed", source_complete=True, criteria=criteria
    )
    known: dict[str, Fact] = {}
    for name in sorted(asked(protocol)):
        value = draw(st.sampled_from([None, *VALUES[name]]))
        if value is not None and (name != "last" or "given" not in known or known["given"].value is True):
            known[name] = Fact(value)
    return protocol, PatientFacts(known)


def asked(protocol: Protocol) -> set[str]:
    """The names of all facts in a protocol, from what it prints of itself."""
    return {name for name in ALL_FACTS if f"name='{name}'" in repr(protocol)}


def may_become(protocol: Protocol, facts: PatientFacts, name: str) -> list[FactValue]:
    """The rules of what may change, in the words of the documentation."""
    known = facts.get(name)
    text = repr(protocol)
    if name == "blood_after" and known is None and "blood" not in facts:
        return []
    if (
        name == "last"
        and known is None
        and (facts.get("given") is None or facts.known["given"].value is False)
    ):
        return []
    if name == "last" and known is None:
        return [BEFORE_ALL, *VALUES[name], AFTER_ALL]
    if known is None:
        return VALUES[name]
    if name == "entry":
        return [day for day in VALUES[name] if isinstance(day, date) and day > known.value]  # type: ignore[operator]  # a date
    plain = [it for it in protocol.criteria if it.corrected is None and "name='blood'" in repr(it)]
    if name == "blood" and "name='blood_after'" in text and not plain:
        return []
    return VALUES[name] if ALL_FACTS[name].change is not Change.FIXED else []


def smallest_by_trial(protocol: Protocol, facts: PatientFacts) -> set[frozenset[str]]:
    """The smallest sets, by trying every value of every set of facts, the small sets first."""
    choices = {name: may_become(protocol, facts, name) for name in sorted(asked(protocol))}
    names = [name for name, values in choices.items() if values]
    found: set[frozenset[str]] = set()
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            if any(smaller <= set(chosen) for smaller in found):
                continue
            for values in product(*(choices[name] for name in chosen)):
                tried = {name: Fact(value) for name, value in zip(chosen, values, strict=True)}
                if evaluate(protocol, PatientFacts({**facts.known, **tried})).verdict == "eligible":
                    found.add(frozenset(chosen))
                    break
    return found


def with_examples(facts: PatientFacts, answer: WhatWouldChange) -> Iterator[PatientFacts]:
    """The patient after each set of changes."""
    for needed in answer.sets:
        yield PatientFacts({**facts.known, **{it.fact: Fact(it.example) for it in needed}})


@settings(max_examples=80, deadline=None)
@given(case=cases())
def test_the_sets_are_those_that_trying_everything_finds(case: tuple[Protocol, PatientFacts]) -> None:
    protocol, facts = case
    answer = what_would_change(facts, protocol)
    if evaluate(protocol, facts).verdict == "eligible":
        assert answer.sets == ()
        return
    assert smallest_by_trial(protocol, facts) == {
        frozenset(it.fact for it in needed) for needed in answer.sets
    }
    for changed in with_examples(facts, answer):
        assert evaluate(protocol, changed).verdict == "eligible"


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_worked_patients_become_eligible_and_by_no_less(
    clinic: Clinic, worked_patients: list[dict[str, Any]], protocol: str
) -> None:
    """Each set makes the patient eligible; none of its parts does; a blocked patient has a fixed failure."""
    rules = clinic.protocols[protocol]
    for patient in worked_patients:
        facts = parse_facts(patient["facts"], clinic.definitions)
        answer = what_would_change(facts, rules)
        verdict = evaluate(rules, facts).verdict
        assert answer.complete
        assert (verdict == "eligible") is (not answer.sets and not answer.blocked)
        for needed, changed in zip(answer.sets, with_examples(facts, answer), strict=True):
            assert evaluate(rules, changed).verdict == "eligible"
            for left_out in needed:
                rest = {n: f for n, f in changed.known.items() if n != left_out.fact}
                if left_out.fact in facts:
                    rest[left_out.fact] = facts.known[left_out.fact]
                assert evaluate(rules, PatientFacts(rest)).verdict != "eligible", (
                    patient["id"],
                    left_out.fact,
                )
        failed = set(evaluate(rules, facts).failed)
        assert set(answer.blocked) <= failed


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_an_unknown_patient_may_be_anyone(clinic: Clinic, protocol: str) -> None:
    answer = what_would_change(PatientFacts(), clinic.protocols[protocol])
    assert answer.sets
    for changed in with_examples(PatientFacts(), answer):
        assert evaluate(clinic.protocols[protocol], changed).verdict == "eligible"


def ask(clinic: Clinic, protocol: str, **changes: Any) -> WhatWouldChange:
    stage, without = changes.pop("stage", None), changes.pop("without", "").split()
    raw = {name: value for name, value in {**PATIENT, **changes}.items() if name not in without}
    return what_would_change(parse_facts(raw, clinic.definitions), clinic.protocols[protocol], stage=stage)


def lines(answer: WhatWouldChange) -> list[list[tuple[str, str, str]]]:
    return [[(it.fact, it.how.value, it.needed) for it in needed] for needed in answer.sets]


def test_a_washout_is_waited_for_until_its_day(clinic: Clinic) -> None:
    """28 days after 10 May 2026 is 7 June; a calendar month after it is 10 June."""
    treated = {"prior_chemotherapy": True, "last_chemotherapy_date": "2026-05-10"}
    expected = [[("enrolment_date", "wait", "2026-06-07 or later")]]
    assert expected == lines(ask(clinic, "CapTemY90", **treated))
    expected = [[("enrolment_date", "wait", "2026-06-10 or later")]]
    assert expected == lines(ask(clinic, "RETNET", **treated))


def test_the_longest_of_several_washouts_is_waited_for(clinic: Clinic) -> None:
    treated = {
        "prior_chemotherapy": True, "last_chemotherapy_date": "2026-05-10",
        "prior_prrt": True, "last_prrt_date": "2026-05-18",
    }  # fmt: skip
    assert lines(ask(clinic, "MSK-19-125", **treated)) == [
        [("enrolment_date", "wait", "2026-06-18 or later")]
    ]


@pytest.mark.parametrize(
    ("entry", "latest"),
    [
        ("2026-05-20", "2026-04-20"),
        ("2026-02-28", "2026-01-31"),
        ("2026-03-31", "2026-02-28"),
        ("2028-03-30", "2028-02-29"),
    ],
)
def test_an_undated_treatment_names_the_last_day_that_would_do(
    clinic: Clinic, entry: str, latest: str
) -> None:
    """The last day whose next month's same day, or the last of that month, is not after entry."""
    ((needed,),) = ask(clinic, "MSK-19-125", enrolment_date=entry, prior_surgery=True).sets
    assert (needed.fact, needed.how, needed.example) == (
        "last_surgery_date",
        How.FIND_OUT,
        date.fromisoformat(latest),
    )
    assert needed.needed.startswith(f"{latest} or earlier (at least 1 calendar month before enrolment_date")


def test_a_laboratory_value_is_repeated_with_its_limit_in_both_units(clinic: Clinic) -> None:
    """2.0 mg/dL of bilirubin are 34.2 umol/L."""
    high = {"bilirubin": {"value": 40, "unit": "umol/L"}}
    expected = [[("bilirubin", "repeat", "<= 2 mg/dL (34.2 umol/L)")]]
    assert expected == lines(ask(clinic, "RETNET", **high))


def test_a_value_that_may_be_corrected_is_corrected(clinic: Clinic) -> None:
    expected = [
        [
            ("inr_after_correction", "correct", "< 1.6"),
            ("platelets_after_correction", "correct", "> 100000 /uL"),
        ]
    ]
    low = {"platelets": {"value": 80, "unit": "10^9/L"}, "inr": 2}
    assert expected == lines(ask(clinic, "CapTemY90", **low))


def test_a_correction_that_failed_may_be_tried_again(clinic: Clinic) -> None:
    changes = {"inr": 2, "inr_after_correction": Decimal("1.7")}
    assert lines(ask(clinic, "RETNET", **changes)) == [[("inr_after_correction", "correct", "<= 1.5")]]


def test_either_answer_that_would_do_is_a_set_of_its_own(clinic: Clinic) -> None:
    """RETNET asks for one of three indications."""
    answer = ask(
        clinic,
        "RETNET",
        without="symptoms_uncontrolled_by_ssa liver_progression_recist11",
        liver_tumor_burden_pct=20,
    )
    facts = [[it.fact for it in needed] for needed in answer.sets]
    assert facts == [
        ["liver_progression_recist11"], ["liver_tumor_burden_visual_pct"], ["symptoms_uncontrolled_by_ssa"]
    ]  # fmt: skip
    assert answer.sets[1][0].needed == "> 25 % and <= 70 %"


@pytest.mark.parametrize(
    "changes",
    [
        {"age_years": 17}, {"nen_type": "NEC"}, {"biopsy_proven": False}, {"ecog": 3}, {"pregnant": True},
        {"liver_tumor_burden_pct": 75}, {"largest_liver_lesion_mm": 5}, {"liver_dominant": False},
        {"prior_radioembolization": True},
    ],
)  # fmt: skip
def test_what_is_fixed_is_never_proposed(clinic: Clinic, changes: dict[str, object]) -> None:
    answer = ask(clinic, "RETNET", **changes, without="creatinine")
    assert {name for needed in answer.sets for name in (it.fact for it in needed)} & set(changes) == set()
    if "liver_tumor_burden_pct" not in changes:
        assert answer.sets == ()
        assert answer.blocked


def test_consent_and_infection_may_change(clinic: Clinic) -> None:
    answer = ask(clinic, "RETNET", informed_consent=False, active_infection=True)
    assert lines(answer) == [[("active_infection", "treat", "no"), ("informed_consent", "decide", "yes")]]
    assert [it.now for it in answer.sets[0]] == ["yes", "no"]
    assert [it.criteria for it in answer.sets[0]] == [("RET-E03",), ("RET-I14",)]


def test_what_is_deferred_is_not_asked_for(clinic: Clinic) -> None:
    without = "excessive_hepatopulmonary_shunt nontarget_embolization_unavoidable informed_consent"
    at_screening = ask(clinic, "CapTemY90", without=without, stage="screening")
    assert [[it.fact for it in needed] for needed in at_screening.sets] == [["informed_consent"]]
    later = ask(clinic, "CapTemY90", without=without, stage="pre_treatment")
    assert [[it.fact for it in needed] for needed in later.sets] == [sorted(without.split())]


def test_an_enzyme_without_its_upper_limit_asks_for_the_multiple(clinic: Clinic) -> None:
    ((needed,),) = ask(clinic, "CapTemY90", alt={"value": 38, "unit": "U/L"}).sets
    assert (needed.fact, needed.needed) == ("alt", "<= 5 xULN")
    assert needed.now == "38 U/L, without the upper limit of normal"


def test_a_treatment_that_nobody_recorded_says_both_answers(clinic: Clinic) -> None:
    ((needed,),) = ask(clinic, "CapTemY90", without="prior_prrt").sets
    assert needed.needed.startswith("no; or yes, with last_prrt_date 2026-04-22 or earlier")


def test_the_answer_as_json(clinic: Clinic) -> None:
    answer = ask(clinic, "CapTemY90", ecog=3, without="albumin").to_json()
    assert json.loads(json.dumps(answer)) == {
        "protocol": "CapTemY90", "stage": "pre_treatment", "verdict": "ineligible", "sets": [],
        "blocked": ["CTY-I10"], "complete": True,
    }  # fmt: skip


def only(answer: WhatWouldChange) -> tuple[Any, ...]:
    (needed,) = answer.sets
    return needed


def test_an_undated_treatment_is_counted_from_the_entry_that_is_waited_for(clinic: Clinic) -> None:
    """28 days after 10 May is 7 June; 28 days before that is 10 May again."""
    treated = {"prior_chemotherapy": True, "last_chemotherapy_date": "2026-05-10", "prior_radiotherapy": True}
    entry, last = only(ask(clinic, "CapTemY90", **treated))
    assert (entry.fact, entry.now, entry.needed) == ("enrolment_date", "2026-05-20", "2026-06-07 or later")
    assert (last.fact, last.how, last.example) == ("last_radiotherapy_date", "find_out", date(2026, 5, 10))
    assert last.needed == "2026-05-10 or earlier (at least 28 days before enrolment_date 2026-06-07)"


def test_without_an_entry_the_words_name_no_day_and_the_examples_fit(clinic: Clinic) -> None:
    entry, last = only(ask(clinic, "CapTemY90", prior_radiotherapy=True, without="enrolment_date"))
    assert (entry.needed, last.needed) == ("its date", "at least 28 days before enrolment_date")
    assert (entry.example - last.example).days == 28
    dated = {
        "prior_radiotherapy": True,
        "enrolment_date": entry.example,
        "last_radiotherapy_date": last.example,
    }
    assert clinic.judge("CapTemY90", **dated).verdict == "eligible"


def test_criteria_come_in_the_order_of_their_names(clinic: Clinic) -> None:
    (needed,) = only(ask(clinic, "TAE-IT", without="liver_metastases_present"))
    assert needed.criteria == ("TAE-E05", "TAE-I02", "TAE-I04")


def test_a_value_that_was_not_measured_is_found_out_not_corrected(clinic: Clinic) -> None:
    (needed,) = only(ask(clinic, "CapTemY90", without="platelets"))
    assert (needed.fact, needed.how, needed.now) == ("platelets", How.FIND_OUT, None)


def test_a_value_after_correction_that_another_criterion_asks_for_is_corrected() -> None:
    rule = Compares(BLOOD, Operator.AT_LEAST, Decimal(2))
    plain = Compares(BLOOD_AFTER, Operator.AT_LEAST, Decimal(1))
    criteria = tuple(
        Criterion(name, CriterionKind.INCLUSION, "words", "a test", it, after)
        for name, it, after in (("B", rule, BLOOD_AFTER), ("A", plain, None))
    )
    protocol = Protocol("T", "t", "t", "1", "a test", "confirmed", source_complete=True, criteria=criteria)
    (needed,) = only(what_would_change(PatientFacts({"blood": Fact(Decimal(1))}), protocol))
    assert (needed.fact, needed.how, needed.criteria) == ("blood_after", How.CORRECT, ("A", "B"))


def test_the_fact_that_goes_before_another_names_its_criteria(clinic: Clinic) -> None:
    answer = ask(clinic, "RETNET", without="liver_tumor_burden_pct liver_progression_recist11")
    told = {needed.fact: needed.criteria for (needed,) in answer.sets}
    both = ("RET-I04b", "RET-I06")
    assert told == {"liver_tumor_burden_pct": both, "liver_tumor_burden_visual_pct": both}


def test_what_a_value_is_now_is_said_as_it_was_reported(clinic: Clinic) -> None:
    (needed,) = only(ask(clinic, "CapTemY90", creatinine="200 umol/L"))
    assert (needed.now, needed.needed) == ("200 umol/L", "< 2 mg/dL (176.8 umol/L)")


@pytest.mark.parametrize("entry", [date(2026, 2, 1), None])
def test_a_treatment_that_must_be_recent(entry: date | None) -> None:
    """As a protocol after a treatment may ask; without a day of entry the words name none."""
    rule = Not(Washout(GIVEN, LAST, ENTRY, days=28))
    criteria = (Criterion("A", CriterionKind.INCLUSION, "words", "a test", rule),)
    protocol = Protocol("T", "t", "t", "1", "a test", "confirmed", source_complete=True, criteria=criteria)
    known = {"given": Fact(value=True)} | ({} if entry is None else {"entry": Fact(entry)})
    last = only(what_would_change(PatientFacts(known), protocol))[-1]
    assert (last.fact, last.needed) == ("last", "less than 28 days before entry")
    if entry is not None:
        assert last.example == entry


ONE, TWO = Decimal(1), Decimal(2)


@pytest.mark.parametrize(
    ("rule", "now", "words"),
    [
        (AnyOf((Compares(BLOOD, Operator.LESS, ONE), Compares(BLOOD, Operator.MORE, TWO))), "1.5",
         "< 1 or > 2"),
        (AnyOf((Compares(BLOOD, Operator.AT_MOST, ONE), Compares(BLOOD, Operator.AT_LEAST, TWO))), "1.5",
         "<= 1 or >= 2"),
        (Compares(BLOOD, Operator.EQUAL, ONE), "3", "1"),
        (Not(Compares(BLOOD, Operator.EQUAL, ONE)), "1", "< 1 or > 1"),
        (Compares(BLOOD, Operator.AT_LEAST, ONE), "0", ">= 1"),
        (AllOf((Compares(BLOOD, Operator.MORE, ONE), Compares(BLOOD, Operator.AT_MOST, TWO))), "3",
         "> 1 and <= 2"),
    ],
)  # fmt: skip
def test_numbers_that_would_do_in_words(rule: Any, now: str, words: str) -> None:
    criteria = (Criterion("A", CriterionKind.INCLUSION, "words", "a test", rule),)
    protocol = Protocol("T", "t", "t", "1", "a test", "confirmed", source_complete=True, criteria=criteria)
    (needed,) = only(what_would_change(PatientFacts({"blood": Fact(Decimal(now))}), protocol))
    assert (needed.fact, needed.how, needed.now, needed.needed) == ("blood", How.REPEAT, now, words)
    assert evaluate(protocol, PatientFacts({"blood": Fact(needed.example)})).verdict == "eligible"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("creatinine", "3 mg/dL", "< 2 mg/dL"),
        ("creatinine", "300 umol/L", "< 2 mg/dL (176.8 umol/L)"),
        ("albumin", "20 g/L", ">= 2.5 g/dL (25 g/L)"),
        ("alt", {"value": 250, "unit": "U/L", "uln": 40}, "<= 5 xULN (200 U/L)"),
        ("alt", {"value": 250, "unit": "U/L"}, "<= 5 xULN"),
        ("alt", "6 xULN", "<= 5 xULN"),
        ("ast", {"value": 5, "unit": "ukat/L", "uln": Decimal("0.6")}, "<= 5 xULN (3 ukat/L)"),
    ],
)
def test_a_limit_is_said_in_the_unit_that_was_reported_too(
    clinic: Clinic, name: str, value: object, words: str
) -> None:
    (needed,) = only(ask(clinic, "CapTemY90", **{name: value}))
    assert (needed.fact, needed.needed) == (name, words)


def test_an_entry_that_may_stay_is_the_one_that_is_counted_from(clinic: Clinic) -> None:
    treated = {"prior_chemotherapy": True, "last_chemotherapy_date": "2026-04-10", "prior_radiotherapy": True}
    (last,) = only(ask(clinic, "CapTemY90", **treated))
    assert last.needed == "2026-04-22 or earlier (at least 28 days before enrolment_date 2026-05-20)"


def own_protocol(*rules: Any) -> Protocol:
    criteria = tuple(
        Criterion(f"C{n}", CriterionKind.INCLUSION, "words", "a test", rule) for n, rule in enumerate(rules)
    )
    return Protocol("T", "t", "t", "1", "a test", "confirmed", source_complete=True, criteria=criteria)


def test_the_first_day_of_entry_that_would_do_is_counted_from() -> None:
    """28 days after 20 January is 17 February; the other washout, to 20 March, is not needed."""
    others = [(fact(f"given{n}", FactKind.BOOLEAN), fact(f"last{n}", FactKind.DATE)) for n in (2, 3)]
    second, third = (Washout(given_, last, ENTRY, days=28) for given_, last in others)
    protocol = own_protocol(
        Washout(GIVEN, LAST, ENTRY, days=28), AnyOf((second, Is(CONSENT, (True,)))), third
    )
    known: dict[str, FactValue] = {"given": True, "given2": True, "given3": True, "consent": True}
    known |= {"last": date(2026, 1, 20), "last2": date(2026, 2, 20), "entry": date(2026, 2, 1)}
    facts = PatientFacts({name: Fact(value) for name, value in known.items()})
    entry, last = only(what_would_change(facts, protocol))
    assert entry.needed == "2026-02-17 or later"
    assert last.needed == "2026-01-20 or earlier (at least 28 days before entry 2026-02-17)"


def test_a_treatment_that_must_have_been_given_has_one_answer() -> None:
    """Its date is recorded, so that the washout waits for the entry: 28 days after 20 January."""
    protocol = own_protocol(Is(GIVEN, (True,)), Washout(GIVEN, LAST, ENTRY, days=28))
    known = {"last": Fact(date(2026, 1, 20)), "entry": Fact(date(2026, 2, 1))}
    told = [(it.fact, it.needed) for it in only(what_would_change(PatientFacts(known), protocol))]
    assert told == [("entry", "2026-02-17 or later"), ("given", "yes")]


def test_a_limit_inside_a_range_does_not_part_it() -> None:
    either = AnyOf((Compares(BLOOD, Operator.AT_LEAST, TWO), Is(CONSENT, (True,))))
    protocol = own_protocol(Compares(BLOOD, Operator.AT_LEAST, ONE), either)
    facts = PatientFacts({"blood": Fact(Decimal(0)), "consent": Fact(value=True)})
    (needed,) = only(what_would_change(facts, protocol))
    assert needed.needed == ">= 1"


def test_only_criteria_that_do_not_pass_are_named(clinic: Clinic) -> None:
    """With progression RET-I06 passes without the burden."""
    sets = ask(clinic, "RETNET", without="liver_tumor_burden_pct").sets
    by_fact = {it.fact: it for needed in sets for it in needed}
    assert by_fact["liver_tumor_burden_pct"].criteria == ("RET-I04b",)


def test_what_blocks_comes_in_the_order_of_names(clinic: Clinic) -> None:
    answer = ask(clinic, "TAE-IT", primary_site="other", brain_metastasis=True)
    assert (answer.blocked, answer.sets) == (("TAE-E04a", "TAE-I01"), ())


def test_a_number_that_must_only_be_known() -> None:
    rule = AnyOf((Compares(BLOOD, Operator.LESS, ONE), Compares(BLOOD, Operator.AT_LEAST, ONE)))
    (needed,) = only(what_would_change(PatientFacts(), own_protocol(rule)))
    assert (needed.how, needed.needed) == (How.FIND_OUT, "any value")


def test_ranges_and_answers_come_in_their_order() -> None:
    """With four limits the pieces are nine; the second and the last would do."""
    wanted = AnyOf((Compares(BLOOD, Operator.EQUAL, ONE), Compares(BLOOD, Operator.MORE, Decimal(4))))
    between = (Compares(BLOOD, Operator.AT_LEAST, Decimal(it)) for it in (2, 3))
    protocol = own_protocol(wanted, AnyOf((*between, Is(CONSENT, (True,)))))
    facts = PatientFacts({"blood": Fact(Decimal("2.5")), "consent": Fact(value=True)})
    (needed,) = only(what_would_change(facts, protocol))
    assert needed.needed == "1 or > 4"
    places = tuple(f"c{n}" for n in range(9))
    choice = FactDefinition("place", FactKind.CHOICE, "a test", change=Change.DECIDE, choices=places)
    (needed,) = only(what_would_change(PatientFacts(), own_protocol(Is(choice, ("c8", "c1")))))
    assert needed.needed.split(" or ") == ["c1", "c8"]


def test_what_holds_for_nobody_blocks() -> None:
    answer = what_would_change(PatientFacts(), own_protocol(Not(Always())))
    assert (answer.blocked, answer.sets) == (("C0",), ())


def decisions(letter: str, count: int) -> list[FactDefinition]:
    return [fact(f"{letter}{n:02}", FactKind.BOOLEAN, Change.DECIDE) for n in range(count)]


def any_yes(letter: str, count: int) -> AnyOf:
    return AnyOf(tuple(Is(it, (True,)) for it in decisions(letter, count)))


def test_beyond_512_ways_some_are_left_out_and_said_so() -> None:
    """16 x 32 are 512, 27 x 19 one more."""
    for first, second, complete in ((16, 32, True), (27, 19, False)):
        answer = what_would_change(PatientFacts(), own_protocol(any_yes("a", first), any_yes("b", second)))
        assert (answer.complete, len(answer.sets)) == (complete, 512)


def test_the_ways_that_change_most_are_left_out_first() -> None:
    """Of the 27 pairs the last one is half there, so that its 19 ways need two changes, all others three."""
    pairs = [
        AllOf((Is(a, (True,)), Is(c, (True,))))
        for a, c in zip(decisions("a", 27), decisions("c", 27), strict=True)
    ]
    protocol = own_protocol(AnyOf(tuple(pairs)), any_yes("b", 19))
    answer = what_would_change(PatientFacts({"c26": Fact(value=True)}), protocol)
    changed = [tuple(it.fact for it in needed) for needed in answer.sets]
    assert changed[:19] == [("a26", f"b{n:02}") for n in range(19)]
    assert not answer.complete


URINE = fact("urine", FactKind.NUMBER, Change.REPEAT)


def below(blood: int, urine: int) -> AllOf:
    """Both below these, with consent."""
    numbers = (Compares(it, Operator.LESS, Decimal(n)) for it, n in ((BLOOD, blood), (URINE, urine)))
    return AllOf((Is(CONSENT, (True,)), *numbers))


@pytest.mark.parametrize(
    ("ways", "blood", "urine"),
    [
        ((below(1, 1), below(2, 2)), "< 2", "< 2"),
        ((below(2, 2), below(1, 1)), "< 2", "< 2"),
        ((below(1, 2), below(2, 1)), "< 1", "< 2"),
        ((below(2, 1), below(1, 2)), "< 2", "< 1"),
    ],
)
def test_of_two_ways_the_one_that_asks_less_is_said_else_the_first(
    ways: tuple[AllOf, ...], blood: str, urine: str
) -> None:
    known = {"blood": Fact(Decimal(5)), "urine": Fact(Decimal(5)), "consent": Fact(value=False)}
    needed = only(what_would_change(PatientFacts(known), own_protocol(AnyOf(ways))))
    told = [(it.fact, it.needed) for it in needed]
    assert told == [("blood", blood), ("consent", "yes"), ("urine", urine)]


PAST = Is(HISTORY, (True,))
NEVER = Washout(GIVEN, LAST, ENTRY, days=28)
SCANNED = Compares(BLOOD_AFTER, Operator.AT_LEAST, ONE)


@pytest.mark.parametrize(
    ("first", "blood", "urine"),
    [
        (AllOf((below(1, 2), PAST)), "< 1", "< 2"),
        (AllOf((below(1, 2), NEVER)), "< 1", "< 2"),
        (AllOf((below(1, 2), SCANNED)), "< 2", "< 1"),
    ],
)
def test_what_can_be_no_other_way_asks_for_nothing(first: AllOf, blood: str, urine: str) -> None:
    """History, and a treatment that was not given, stay; a value that may be measured again has to stay."""
    known: dict[str, FactValue] = {"blood": Decimal(5), "urine": Decimal(5), "consent": False}
    known |= {"history": True, "given": False, "blood_after": Decimal(2)}
    facts = PatientFacts({name: Fact(value) for name, value in known.items()})
    needed = only(what_would_change(facts, own_protocol(AnyOf((first, below(2, 1))))))
    assert [(it.fact, it.needed) for it in needed] == [
        ("blood", blood),
        ("consent", "yes"),
        ("urine", urine),
    ]


def test_a_way_that_asks_more_than_another_is_none() -> None:
    """16 x 32 are 512, whatever stands beside the 16."""
    more = tuple(
        AllOf((Is(a, (True,)), Is(c, (True,))))
        for a, c in zip(decisions("a", 16), decisions("c", 16), strict=True)
    )
    either: list[tuple[Rule, ...]] = [(any_yes("a", 16), *more), (*more, any_yes("a", 16))]
    for parts in either:
        answer = what_would_change(PatientFacts(), own_protocol(AnyOf(parts), any_yes("b", 32)))
        assert (answer.complete, len(answer.sets)) == (True, 512)


@pytest.mark.parametrize(
    ("wanted", "now", "example"),
    [
        (Compares(BLOOD, Operator.AT_LEAST, ONE), "0", "2"),
        (Compares(BLOOD, Operator.EQUAL, ONE), "0", "1"),
        (AnyOf((AllOf((Compares(BLOOD, Operator.MORE, ONE), Compares(BLOOD, Operator.LESS, TWO))),
                Compares(BLOOD, Operator.MORE, Decimal(4)))), "2.5", "1.5"),
    ],
)  # fmt: skip
def test_an_example_lies_inside_the_first_range_and_on_a_limit_only_where_it_must(
    wanted: Any, now: str, example: str
) -> None:
    passed = AnyOf((Compares(BLOOD, Operator.AT_LEAST, Decimal(3)), Is(CONSENT, (True,))))
    facts = PatientFacts({"blood": Fact(Decimal(now)), "consent": Fact(value=True)})
    (needed,) = only(what_would_change(facts, own_protocol(wanted, passed)))
    assert needed.example == Decimal(example)
