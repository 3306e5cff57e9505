"""What k of n tries are taken to say, held against what SciPy says of the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from isolation_tests.core.intervals import interval, seen_words, tries_for, unseen_words, upper_bound

MOST = 10**9
# SciPy searches for its bounds, and stops when it is that near.
ROUGH = 4e-12
# As a ratio: so far a bound near one moves the chance when it is rounded to a float.
ROUNDED = 1e-5


def counts(most: int) -> st.SearchStrategy[tuple[int, int]]:
    """(seen, tried) of every magnitude, often with none, one, all or all but one seen."""
    magnitudes = st.integers(0, int(math.log10(most))).map(lambda digits: 10**digits)
    tried = magnitudes.flatmap(lambda size: st.integers(size, min(10 * size, most)))
    return tried.flatmap(
        lambda n: st.tuples(
            st.one_of(
                st.integers(0, n),
                st.sampled_from([0, 1, n - 1, n]),
                magnitudes.flatmap(lambda size: st.integers(0, min(size, n))),
            ),
            st.just(n),
        )
    )


@settings(max_examples=200)
@given(counts(MOST))
@example((1, 1))
@example((0, MOST))
@example((1, MOST))
@example((MOST // 2, MOST))
@example((MOST - 1, MOST))
@example((MOST, MOST))
def test_beyond_the_bounds_what_was_seen_is_unlikely(counted: tuple[int, int]) -> None:
    seen, tried = counted
    low, high = interval(seen, tried)
    assert 0 <= low <= seen / tried <= high <= 1
    assert (low == 0) == (seen == 0)
    assert (high == 1) == (seen == tried)
    assert seen == 0 or math.isclose(binom.sf(seen - 1, tried, low), 0.025, rel_tol=ROUNDED)
    assert seen == tried or math.isclose(binom.cdf(seen, tried, high), 0.025, rel_tol=ROUNDED)


@settings(max_examples=200)
@given(counts(MOST))
def test_the_bounds_are_those_of_scipy(counted: tuple[int, int]) -> None:
    seen, tried = counted
    theirs = binomtest(seen, tried).proportion_ci(confidence_level=0.95, method="exact")
    assert interval(seen, tried) == pytest.approx((theirs.low, theirs.high), rel=1e-12, abs=ROUGH)


@pytest.mark.parametrize("tried", [*range(1, 31), 59, 100])
def test_the_bounds_are_those_of_scipy_for_every_count(tried: int) -> None:
    for seen in range(tried + 1):
        theirs = binomtest(seen, tried).proportion_ci(confidence_level=0.95, method="exact")
        assert interval(seen, tried) == pytest.approx((theirs.low, theirs.high), rel=1e-12, abs=ROUGH)


@settings(max_examples=100)
@given(counts(MOST))
def test_what_was_not_seen_has_the_mirrored_bounds(counted: tuple[int, int]) -> None:
    seen, tried = counted
    low, high = interval(seen, tried)
    assert interval(tried - seen, tried) == pytest.approx((1 - high, 1 - low), rel=1e-6, abs=1e-15)


@settings(max_examples=100)
@given(st.integers(1, MOST))
@example(1)
@example(MOST)
def test_nothing_seen_bounds_the_rate_at_about_three_in_n(tried: int) -> None:
    none = binomtest(0, tried, alternative="less").proportion_ci(confidence_level=0.95, method="exact")
    assert math.isclose(tried * math.log1p(-upper_bound(tried)), math.log(0.05), rel_tol=1e-12)
    assert upper_bound(tried) == pytest.approx(none.high, rel=1e-12, abs=ROUGH)
    assert upper_bound(tried) < 3 / tried


@settings(max_examples=40)
@given(st.floats(0.001, 0.999))
def test_so_many_tries_are_enough_and_one_less_is_not(rate: float) -> None:
    tries = tries_for(rate)
    assert upper_bound(tries) <= rate * (1 + 1e-9)
    assert tries == 1 or upper_bound(tries - 1) > rate * (1 - 1e-9)


@pytest.mark.parametrize(
    ("seen", "tried", "words"),
    [
        (1, 1, "1 of 1 try"),
        (4, 4, "4 of 4 tries"),
        (2, 4, "2 of 4 tries: between 6.7 % and 94 % of tries (95 %, Clopper-Pearson)"),
        (2, 40, "2 of 40 tries: between 0.6 % and 17 % of tries (95 %, Clopper-Pearson)"),
        (39, 40, "39 of 40 tries: between 86 % and 100 % of tries (95 %, Clopper-Pearson)"),
        (1, 100_000, "1 of 100000 tries: between 0.00002 % and 0.006 % of tries (95 %, Clopper-Pearson)"),
    ],
)
def test_bounds_are_told_rounded_outwards(seen: int, tried: int, words: str) -> None:
    assert seen_words(seen, tried) == words


def test_what_was_never_seen_is_told_with_its_bound() -> None:
    assert unseen_words(60) == "0 in 60 probes: below 4.9 % (95 %)"
    assert unseen_words(1_000_000, "calls") == "0 in 1000000 calls: below 0.0003 % (95 %)"


@pytest.mark.parametrize("ask", [lambda: upper_bound(0), lambda: interval(0, 0), lambda: tries_for(1.0)])
def test_without_a_try_there_is_no_bound(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"needs at least one try|between 0 and 1"):
        ask()


@pytest.mark.parametrize("seen", [-1, 4])
def test_nothing_is_seen_in_more_tries_than_there_were(seen: int) -> None:
    with pytest.raises(ValueError, match="3 tries can't show it"):
        interval(seen, 3)
