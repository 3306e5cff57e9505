"""Shards of a scale run add up: in any order and grouping, each once, and none may be missing."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Verdict
from isolation_tests.reporting.evidence.errors import CannotMerge
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.merge import merge
from isolation_tests.reporting.evidence.scale import DECILES, Decile, ScaleFigures, bucket, latency
from isolation_tests.scale.run import Asked, run
from isolation_tests.targets.settings import Settings
from meta_tests.scale.asked import PLANTED, figures, pairs, scaled

SHARDS = 3
counts = st.integers(0, 10**9)
times = st.dictionaries(st.integers(0, 200), st.integers(1, 10**6), max_size=4)
deciles = st.builds(Decile, users=counts, asked=counts, found=counts, add=times, search=times)
many = st.builds(
    ScaleFigures,
    users=counts,
    facts=counts,
    answers=counts,
    leaks=counts,
    together=counts,
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    deciles=st.tuples(*[deciles] * DECILES),
    shards=st.frozensets(st.integers(1, 9)).map(lambda found: tuple(sorted(found))),
)


@given(many, many, many)
def test_figures_add_up_in_any_order_and_grouping(
    one: ScaleFigures, two: ScaleFigures, three: ScaleFigures
) -> None:
    assert one.plus(two) == two.plus(one)
    assert one.plus(two).plus(three) == one.plus(two.plus(three))
    assert ScaleFigures.total([one]) == one


def test_ten_thousand_shards_give_the_same_sum_in_any_order_and_a_loss_or_a_duplicate_shows() -> None:
    chance = random.Random(5)  # noqa: S311 - figures
    parts = [
        ScaleFigures(users=n, answers=6 * n, digest=chance.randbytes(32).hex(), shards=(n,))
        for n in range(1, 10_001)
    ]
    whole = ScaleFigures.total(parts)
    chance.shuffle(parts)

    halves = [ScaleFigures.total(half) for half in (parts[:7000], parts[7000:])]
    assert ScaleFigures.total(reversed(halves)) == whole
    assert whole.shards == tuple(range(1, 10_001))
    assert ScaleFigures.total(parts[1:]).digest != whole.digest
    assert ScaleFigures.total([*parts, parts[0]]).digest != whole.digest


@given(st.lists(st.floats(2e-6, 100), min_size=1, max_size=50))
def test_a_latency_is_told_within_nine_per_cent(seconds: list[float]) -> None:
    buckets: dict[int, int] = {}
    for each in seconds:
        buckets[bucket(each)] = buckets.get(bucket(each), 0) + 1
    told = latency(buckets, 1.0)

    assert told is not None
    assert max(seconds) <= told * 1.0001 <= max(seconds) * 1.1


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders of three shards of one run."""
    folder = tmp_path_factory.mktemp("shards")
    for number in range(1, SHARDS + 1):
        ended = scaled(folder / str(number), shard=(number, SHARDS))
        assert ended.status == 2, "a shard alone is not the whole run"
        assert ended.summary.verdict is Verdict.INCONCLUSIVE
    return [folder / str(number) for number in range(1, SHARDS + 1)]


def summed(evidence: Evidence) -> tuple[object, ...]:
    found = evidence.footer.scale
    assert found is not None
    return evidence.footer.verdict, evidence.footer.exit_status, evidence.footer.counts, found.digest


def test_shards_merge_in_any_order_and_grouping_to_the_digest_of_the_whole(
    shards: list[Path], tmp_path: Path
) -> None:
    whole = figures(scaled(tmp_path / "whole"))
    merged = [
        merge(tmp_path / "".join(each.name for each in order), order)
        for order in itertools.permutations(shards)
    ]
    merge(tmp_path / "two", shards[1:])
    grouped = merge(tmp_path / "grouped", [tmp_path / "two", shards[0]])

    assert len({repr(summed(each)) for each in [*merged, grouped]}) == 1
    assert grouped.footer.verdict is Verdict.HELD
    assert grouped.footer.exit_status == 0
    assert grouped.header.selection == ()
    assert grouped.footer.scale is not None
    assert (grouped.footer.scale.users, grouped.footer.scale.digest) == (whole.users, whole.digest)


def test_a_shard_that_lacks_is_not_run_and_one_that_comes_twice_is_refused(
    shards: list[Path], tmp_path: Path
) -> None:
    part = merge(tmp_path / "part", shards[:2])
    again = scaled(tmp_path / "again", shard=(1, SHARDS))

    assert part.footer.not_run == ("scale[shard-3-of-3]",)
    assert (part.footer.verdict, part.footer.exit_status) == (Verdict.INCONCLUSIVE, 2)
    with pytest.raises(CannotMerge, match="shard 1 is included twice"):
        merge(tmp_path / "twice", [*shards, again.folder])
    assert not (tmp_path / "twice").exists()


def test_other_users_do_not_mix(shards: list[Path], tmp_path: Path) -> None:
    other = scaled(tmp_path / "other", shard=(2, SHARDS), users=140)
    whole = scaled(tmp_path / "whole")

    with pytest.raises(CannotMerge, match="the users that they ask about"):
        merge(tmp_path / "mixed", [shards[0], other.folder])
    with pytest.raises(CannotMerge, match="they differ in"):
        merge(tmp_path / "mixed", [shards[0], whole.folder])


def test_a_leak_in_one_shard_violates_the_whole(tmp_path: Path) -> None:
    target = f"{PLANTED}:one_pair", "first=4", "second=12"
    ended = [scaled(tmp_path / str(n), *target, shard=(n, 2)) for n in (1, 2)]
    merged = merge(tmp_path / "merged", [each.folder for each in ended])

    assert any(pairs(each) for each in ended)
    assert merged.footer.verdict is Verdict.VIOLATED
    assert merged.footer.exit_status == 1


def test_shards_need_a_seed_in_common(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="Give --seed with --shard"):
        run(Settings(target="reference"), Asked(users=120, shard=(1, 2)), tmp_path)
