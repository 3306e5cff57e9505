"""Exact 95 % bounds (Clopper-Pearson) on a rate that showed in k of n tries, and their wording.

The bounds assume independent tries. They also hold for tries that stop at the first success: the interval is
then wider than necessary, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

CONFIDENCE = 0.95
_ONE, _TEN = 1.0, 10.0


@cache
def interval(seen: int, tried: int) -> tuple[float, float]:
    """The bounds of the true rate (0 to 1), given that `seen` of `tried` tries showed it.

    Raises `ValueError` unless 0 <= seen <= tried and tried is at least 1.
    """
    # SciPy takes a second to load, and most runs have nothing to bound.
    from scipy.stats import binomtest

    bounds = binomtest(seen, _some(tried)).proportion_ci(confidence_level=CONFIDENCE, method="exact")
    return float(bounds.low), float(bounds.high)


def upper_bound(tried: int) -> float:
    """The upper bound of the true rate (0 to 1) if none of `tried` tries showed it: about 3 / tried.

    Raises `ValueError` if tried is below 1.
    """
    from scipy.stats import binomtest

    none = binomtest(0, _some(tried), alternative="less")
    return float(none.proportion_ci(confidence_level=CONFIDENCE, method="exact").high)


def tries_for(rate: float) -> int:
    """How many tries without a success put the upper bound at or below the rate.

    Raises `ValueError` unless the rate is between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"a rate must be between 0 and 1, not {rate}")
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-rate))


def seen_words(seen: int, tried: int) -> str:
    """How often it was seen, with the bounds of its rate; without bounds if every try showed it."""
    often = f"{seen} of {tried} {'try' if tried == 1 else 'tries'}"
    if seen == tried:
        return often
    low, high = interval(seen, tried)
    between = f"between {_percent(low, math.floor)} and {_percent(high, math.ceil)} of tries"
    return f"{often}: {between} (95 %, Clopper-Pearson)"


def unseen_words(tried: int, things: str = "probes") -> str:
    """What it means that none of the tries showed it, as a phrase."""
    return f"0 in {tried} {things}: below {_percent(upper_bound(tried), math.ceil)} (95 %)"


def _some(tried: int) -> int:
    if tried < 1:
        raise ValueError("a bound needs at least one try")
    return tried


def _percent(rate: float, rounding: Callable[[float], int]) -> str:
    """The rate in percent, rounded outwards: one digit below 1 %, tenths below 10 %, else whole numbers."""
    percent = rate * 100
    digits = 0 if percent >= _TEN else 1 if percent >= _ONE else -math.floor(math.log10(percent or _ONE))
    scale = 10**digits
    # A value that is exact except for a float's last bits stays as it is.
    return f"{rounding(round(percent * scale, 6)) / scale:.{digits}f}".removesuffix(".0") + " %"
