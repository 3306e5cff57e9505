"""What k of n tries say of a rate: exact bounds by Clopper and Pearson, 95 %, and how to tell them.

The bounds are for tries that do not influence each other. Tries that end with the first one that shows it are
covered too: the interval is then wider than need be, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

CONFIDENCE = 0.95


@cache
def interval(seen: int, tried: int) -> tuple[float, float]:
    """Between which rates (0 to 1) the true one lies, when it was seen in `seen` of `tried` tries.

    Raises `ValueError` unless 0 <= seen <= tried and there was a try.
    """
    # SciPy takes a second to load, and most runs have nothing to bound.
    from scipy.stats import binomtest

    bounds = binomtest(seen, _some(tried)).proportion_ci(confidence_level=CONFIDENCE, method="exact")
    return float(bounds.low), float(bounds.high)


def upper_bound(tried: int) -> float:
    """Below which rate (0 to 1) it is when none of `tried` tries showed it: about 3 / tried.

    Raises `ValueError` where there was no try.
    """
    from scipy.stats import binomtest

    none = binomtest(0, _some(tried), alternative="less")
    return float(none.proportion_ci(confidence_level=CONFIDENCE, method="exact").high)


def tries_for(rate: float) -> int:
    """How many tries that show nothing put the upper bound at the rate or below it.

    Raises `ValueError` for a rate that is not between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, not at {rate}")
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-rate))


def seen_words(seen: int, tried: int) -> str:
    """How often it was seen, and between which rates that puts it; for tries that all agree, no bounds."""
    often = f"{seen} of {tried} {'try' if tried == 1 else 'tries'}"
    if seen == tried:
        return often
    low, high = interval(seen, tried)
    between = f"between {_percent(low, math.floor)} and {_percent(high, math.ceil)} of tries"
    return f"{often}: {between} (95 %, Clopper-Pearson)"


def unseen_words(tried: int, things: str = "probes") -> str:
    """What it means that none of so many probes showed it, as a phrase."""
    return f"0 in {tried} {things}: below {_percent(upper_bound(tried), math.ceil)} (95 %)"


def _some(tried: int) -> int:
    if tried < 1:
        raise ValueError("without a try there is no bound")
    return tried


def _percent(rate: float, rounding: Callable[[float], int]) -> str:
    """The rate in percent, rounded outwards: to one digit below 1 %, to tenths below 10 %, else whole."""
    percent = rate * 100
    digits = 0 if percent >= 10 else 1 if percent >= 1 else -math.floor(math.log10(percent or 1))
    scale = 10**digits
    # What is exact but for the last bits of a float stays as it is.
    return f"{rounding(round(percent * scale, 6)) / scale:.{digits}f}".removesuffix(".0") + " %"
