"""What the words on a bottle say: chloride, phosphate, iodised oil, or a fluid that is known to hold none.

A fluid is given in words, as a person types them. Words that betray a salt or an oil are searched for in many
spellings. "chloride-free" counts as such only when it is written as one thing; "chloride, free of
preservatives" does not. What is not recognised is not called safe: `diluent_is_known` asks that every word be
one of water or sugar.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from emboplan.embolics.amounts import plain_name

_HYPHENS = "-‐‑‒–—−"
_DENIED = r"(?<!\bnot )(?<!\bnon )(?<!\bnon-)(?<!\bnever )(?<!n't )(?<!\bno )"
# A salt before "chloride-free" may say what the bottle holds: "sodium chloride-free" is not read as safe.
_SALTS = r"(?<!\bsodium )(?<!\bpotassium )(?<!\bcalcium )(?<!\bammonium )(?<!\bmagnesium )"

# Names of fluids that hold chloride, and of chloride itself, as parts of words.
_CHLORIDE = (
    *("chlorid", "chlorure", "cloruro", "saline", "salin ", "salt", "salz", "brine", "muriat", "ringer"),
    *("hartmann", "lactat", "plasmalyte", "plasma lyte", "physiolog", "pbs", "hbss", "hanks", "dulbecco"),
    *("krebs", "tyrode", "sterofundin", "ionosteril", "jonosteril", "normosol", "isolyte", "sea water"),
)
# Short names of the same: NS, N/S, NSS, D5NS, LR, RL, NaCl, KCl, Na Cl.
_CHLORIDE_SHORT = re.compile(
    r"(?<![a-z])ns{1,2}(?![a-z])|(?<![a-z])n s(?![a-z])|(?<![a-z])(?:lr|rl)(?![a-z])"
    r"|(?<![a-z])(?:na|k|ca|mg|h|nh4)?\s?cl\s?\d?(?![a-z])"
)
_PHOSPHATE = ("phosphat", "pbs", "hbss", "hanks", "dulbecco")
# Words of labels of water and sugar solutions; each word of a known fluid is one of them.
_FLUIDS = ("water", "dextrose", "glucose", "wfi", "aqua")
_FLUID_WORDS = frozenset(
    (
        *_FLUIDS,
        *("d5w", "d10w", "for", "injection", "injections", "infusion", "infusions", "iv", "intravenous"),
        *("sterile", "purified", "distilled", "in", "of", "or", "and", "solution", "w", "v", "usp", "bp"),
        *("ph", "eur", "percent", "pct", "ml", "l", "g", "mg", "per", "bag", "vial", "ampoule", "bottle"),
        *("preservative", "preservatives", "free", "from", "without", "plain", "only", "the", "with"),
        *("ad", "iniectabilia", "injectabilia", "the", "a", "to", "5", "10", "50"),
    )
)
_NUMBER = re.compile(r"\d+")

# Iodised oil by its names; a misspelt name is close to one of the first.
_OIL_NAMES = ("lipiodol", "ethiodol")
_OIL = ("lipiod", "ethiod", "poppy", "iodised oil", "iodized oil", "huile", "emulsion")
_NO_OIL = frozenset(("coil", "coils", "foil", "foils", "soil", "boil", "recoil", "toil"))


def _spelt(text: str) -> str:
    """Lower case with every hyphen as a plain one and single spaces."""
    return " ".join(re.sub(f"[{_HYPHENS}]", "-", text.lower()).split())


def without_denied(text: str, names: str) -> str:
    """The text less the phrases that name a thing as absent, such as ``chloride-free``.

    `names` is a pattern of the thing. "not chloride-free" keeps its words, and so does "chloride free of
    preservatives".

    >>> without_denied("chloride-free water", "chloride")
    'water'
    >>> without_denied("sodium chloride, free of preservatives", "chloride")
    'sodium chloride, free of preservatives'
    """
    absent = (
        rf"{_DENIED}{_SALTS}(?:\b|(?<=\d))(?:{names})-free\b(?!\s+(?:of|from)\b)(?!-)",
        rf"{_DENIED}\b(?:free (?:of|from)|without)\s+(?:{names})\b(?!-)",
    )
    spelt = _spelt(text)
    for phrase in absent:
        spelt = re.sub(phrase, " ", spelt)
    return " ".join(spelt.split())


def holds_chloride(diluent: str) -> bool:
    """Whether the name of a fluid says that it holds chloride.

    >>> holds_chloride("0.9 % NaCl"), holds_chloride("5 % dextrose"), holds_chloride("dextrose 5 % in N/S")
    (True, False, True)
    """
    left = without_denied(diluent, "chlorides?")
    plain = f"{plain_name(left)} "
    return any(word in plain for word in _CHLORIDE) or _CHLORIDE_SHORT.search(plain) is not None


def holds_phosphate(diluent: str) -> bool:
    """Whether the name of a fluid says that it is buffered with phosphate."""
    plain = plain_name(without_denied(diluent, "phosphates?"))
    return any(word in plain for word in _PHOSPHATE)


def holds_oil(fluid: str) -> bool:
    """Whether the name of a fluid is that of iodised oil, of another oil, or of an emulsion with it.

    >>> holds_oil("ethiodized poppyseed"), holds_oil("Lipoidol"), holds_oil("iohexol")
    (True, True, False)
    """
    plain = plain_name(fluid)
    if any(word in plain for word in _OIL):
        return True
    words = plain.split()
    return any(
        word not in _NO_OIL
        and (
            word.startswith("oil")
            or word.endswith(("oil", "oils"))
            or bool(get_close_matches(word, _OIL_NAMES, n=1, cutoff=0.8))
        )
        for word in words
    )


def diluent_is_known(diluent: str) -> bool:
    """Whether every word is one of water or a sugar solution, without any that betrays a salt."""
    words = plain_name(without_denied(diluent, "chlorides?")).split()
    known = all(word in _FLUID_WORDS or _NUMBER.fullmatch(word) for word in words)
    named = any(word in (*_FLUIDS, "d5w", "d10w") for word in words)
    return known and named and not holds_chloride(diluent) and not holds_phosphate(diluent)
