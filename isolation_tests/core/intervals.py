"""Exact 95 % bounds (Clopper-Pearson) on a rate that showed in k of n tries, and their wording.

The bounds assume independent tries. They also hold for tries that stop at the first success: the interval is
then wider than necessary, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

CONFIDENCE = 0.95
# The probability that an interval leaves out on each side.
_TAIL = (1 - CONFIDENCE) / 2
# Within this distance, one more step is the last, because a step squares the distance.
_NEAR = 1e-9


@cache
def interval(seen: int, tried: int) -> tuple[float, float]:
    """The bounds of the true rate (0 to 1), given that `seen` of `tried` tries showed it.

    Raises `ValueError` unless 0 <= seen <= tried and tried is at least 1.
    """
    if not 0 <= seen <= _some(tried):
        raise ValueError(f"{tried} tries can't show it {seen} times")
    low, _ = _lower(seen, tried)
    # The upper bound is one minus the lower bound of the tries that did not show it.
    _, high = _lower(tried - seen, tried)
    return low, high


def upper_bound(tried: int) -> float:
    """The upper bound of the true rate (0 to 1) if none of `tried` tries showed it: about 3 / tried.

    Raises `ValueError` if tried is below 1.
    """
    return -math.expm1(math.log(1 - CONFIDENCE) / _some(tried))


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


def _lower(seen: int, tried: int) -> tuple[float, float]:
    """The lower bound, and one minus the lower bound with the digits that a subtraction would lose."""
    if seen == 0:
        return 0.0, 1.0
    if seen == tried:
        logarithm = math.log(_TAIL) / tried
        return math.exp(logarithm), -math.expm1(logarithm)
    odds = _lower_odds(seen, tried)
    return odds / (1 + odds), 1 / (1 + odds)


def _lower_odds(seen: int, tried: int) -> float:
    """The odds at which `seen` or more of `tried` have the probability `_TAIL`, for 0 < seen < tried.

    Newton's method finds them. The logarithm of the tail is a concave function of the logarithm of the odds,
    so the first step lands below the bound, each later step comes closer from below, and the search ends.
    """
    odds = seen / (tried - seen)
    while True:
        terms = _tail_in_terms(seen, tried, odds)
        excess = _log_chance(seen, tried, odds) + math.log(terms / _TAIL)
        odds *= math.exp(-excess * terms * (1 + odds) / seen)
        if abs(excess) < _NEAR:
            return odds


def _tail_in_terms(seen: int, tried: int, odds: float) -> float:
    """The probability of `seen` or more, divided by that of exactly `seen`, for odds up to seen / unseen.

    Each term is smaller than the one before, by a ratio that falls too, so the sum soon stops growing.
    """
    total = term = 1.0
    for count in range(seen, tried):
        term *= (tried - count) / (count + 1) * odds
        if total + term == total:
            break
        total += term
    return total


def _log_chance(seen: int, tried: int, odds: float) -> float:
    """The logarithm of the probability of exactly `seen`, for 0 < seen < tried.

    After C. Loader, "Fast and accurate computation of binomial probabilities" (2000). Subtracting the
    logarithms of three factorials would lose six digits at 10**9 tries.
    """
    unseen = tried - seen
    mean, rest = tried * odds / (1 + odds), tried / (1 + odds)
    # Both are the same number; the smaller side keeps more of its digits.
    more = seen - mean if mean < rest else rest - unseen
    return (
        _beyond_stirling(tried)
        - _beyond_stirling(seen)
        - _beyond_stirling(unseen)
        - seen * math.log1p(more / mean)
        - unseen * math.log1p(-more / rest)
        + math.log(tried / (2 * math.pi * seen * unseen)) / 2
    )


def _beyond_stirling(count: int) -> float:
    """The logarithm of a factorial minus Stirling's formula for it."""
    if count < 16:
        return math.lgamma(count + 1) - (count + 0.5) * math.log(count) + count - math.log(2 * math.pi) / 2
    square = count * count
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / count


def _percent(rate: float, rounding: Callable[[float], int]) -> str:
    """The rate in percent, rounded outwards: one digit below 1 %, tenths below 10 %, else whole numbers."""
    percent = rate * 100
    digits = 0 if percent >= 10 else 1 if percent >= 1 else -math.floor(math.log10(percent or 1))
    scale = 10**digits
    # A value that is exact except for a float's last bits stays as it is.
    return f"{rounding(round(percent * scale, 6)) / scale:.{digits}f}".removesuffix(".0") + " %"
