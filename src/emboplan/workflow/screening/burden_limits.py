"""Limits of tumour burden that lie inside the measured interval: what the measurement leaves open.

The limits are those of the protocols and device labels of the catalogue; this file knows none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.wording import leaves
from emboplan.model.finding import Finding, Severity
from emboplan.model.protocol import Compares, Protocol
from emboplan.model.results.burden import BORDERLINE, Burden

BURDEN_FACT = "liver_tumor_burden_pct"


@lru_cache(maxsize=8)  # few catalogues are in use at a time, and every measurement asks
def burden_limits(catalog: Catalog) -> Mapping[Decimal, tuple[str, ...]]:
    """The limits (percent of the liver) in ascending order, each with the documents that set it."""
    found: dict[Decimal, list[str]] = {}
    for document in _documents(catalog):
        for criterion in document.criteria:
            for leaf in leaves(criterion.pass_when):
                if isinstance(leaf, Compares) and leaf.fact.name == BURDEN_FACT:
                    names = found.setdefault(leaf.limit, [])
                    if document.name not in names:
                        names.append(document.name)
    return MappingProxyType({limit: tuple(found[limit]) for limit in sorted(found)})


def with_borderline(burden: Burden, catalog: Catalog) -> Burden:
    """The burden with a finding where a limit lies inside its interval."""
    low, high = burden.burden_pct_interval
    inside = {limit: names for limit, names in burden_limits(catalog).items() if low <= limit <= high}
    if not inside:
        return burden
    limits = "; ".join(f"{limit:f} % ({', '.join(names)})" for limit, names in inside.items())
    text = (
        f"Borderline: the burden's 95 % interval, {low:.1f} to {high:.1f} %, holds "
        f"{'the limit' if len(inside) == 1 else 'the limits'} {limits}. Look at the contours, correct and "
        "confirm them before the burden decides."
    )
    return replace(burden, findings=(*burden.findings, Finding(BORDERLINE, Severity.WARNING, text)))


def _documents(catalog: Catalog) -> Iterator[Protocol]:
    definitions = definitions_from_table(catalog.fact_table())
    tables = [catalog.protocol_table(name) for name in catalog.protocol_names()]
    tables += [catalog.label_table(name) for name in catalog.label_names()]
    for table in tables:
        if "criterion" in table:
            yield protocol_from_table(table, definitions)
