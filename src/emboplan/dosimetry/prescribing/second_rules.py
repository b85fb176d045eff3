"""The second calculation of a rule's activity: body surface by logarithms, tables read line by line."""

from __future__ import annotations

import math

from emboplan.model.second_check_input import CheckedRule, CheckedTerritory

# A share this close to a step of a table lies on it: shares of volumes differ in their last bits.
ON_THE_STEP = 1e-9


def rule_activity_gbq(territory: CheckedTerritory, rule: CheckedRule) -> float:
    """The activity that a rule gives a territory, cut for its shunt."""
    tumour_ml = math.fsum(territory.lesions_ml.values())
    if rule.coefficient is not None:
        first, second = rule.powers
        logarithm = math.log(rule.coefficient)
        logarithm += first * math.log(rule.height_m) + second * math.log(rule.weight_kg)
        # The lobar form with its brackets multiplied out; the whole liver is the lobe that is all of it.
        share = (tumour_ml + territory.normal_ml) / rule.liver_ml
        activity = (math.exp(logarithm) - rule.offset_m2) * share + tumour_ml / rule.liver_ml
    else:
        activity = rule.table_gbq[0]
        for edge, listed in zip(rule.edges[:-1], rule.table_gbq[1:-1], strict=True):
            if rule.liver_tumour_ml / rule.liver_ml >= edge - ON_THE_STEP:
                activity = listed
        if rule.liver_tumour_ml / rule.liver_ml > rule.edges[-1] + ON_THE_STEP:
            activity = rule.table_gbq[-1]
    cut = 1.0
    for step, factor in zip(rule.steps, rule.factors[1:], strict=True):
        if territory.lung_shunt_frac > step + ON_THE_STEP:
            cut = factor
    return activity * cut
