"""All related names of the matrix, and how a system that reads names in some way would split them."""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.causes.learning import Pair
from isolation_tests.model import Operation
from isolation_tests.testdata.readings import Reading
from isolation_tests.testdata.relations import RELATIONS, bind

BASE = "iso-r1-00000001"


def both_ways(anomaly: str = "") -> Iterator[Pair]:
    """Each pair of related names, in both directions."""
    for relation in RELATIONS:
        a, b = (bind(user, BASE, 123_456_000_001) for user in relation.pair())
        yield Pair(a, b, Operation.SEARCH, anomaly)
        yield Pair(b, a, Operation.SEARCH, anomaly)


def splitting(reading: Reading) -> tuple[list[Pair], list[Pair]]:
    """The pairs that collide in a system that reads names so, and those that it keeps apart."""
    taken = {(pair.actor, pair.victim) for pair in both_ways() if reading.takes(pair.actor, pair.victim)}
    together = [pair for pair in both_ways(reading.anomaly) if (pair.actor, pair.victim) in taken]
    return together, [pair for pair in both_ways() if (pair.actor, pair.victim) not in taken]
