"""Caches: an answer cached for one user is never served to another user, or after it is out of date."""

from __future__ import annotations

from functools import partial

from isolation_tests.model import FactSpec, Operation, Plan, Step
from isolation_tests.plans.cells import (
    Cell,
    Material,
    add,
    both_seen,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)
from isolation_tests.testdata.facts import paraphrase, question


def _searched(first: int, material: Material) -> Plan:
    """The first user searches; then the other user makes the same search, and a paraphrase of it."""
    people, second = material.people, 1 - first
    subject = people.subject()
    asked = question(subject)
    return Plan(
        name="cache-key-search",
        anomaly="K1",
        users=(ordinary(0), ordinary(1)),
        facts=tuple(FactSpec(text=people.fact_near(subject), owners=(user,)) for user in (0, 1)),
        steps=(
            *both_seen(material, second),
            # Some caches keep an answer only after the second request.
            search(first, query=asked, anomaly="K1"),
            search(first, query=asked, anomaly="K1"),
            search(second, query=asked, anomaly="K1"),
            search(first, query=asked, anomaly="K1"),
            search(second, query=paraphrase(subject), anomaly="K2"),
        ),
    )


def _listed(first: int, material: Material) -> Plan:
    second = 1 - first
    return Plan(
        name="cache-key-list",
        anomaly="K1",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(first),
            settle(second),
            search(second, query=material.people.neutral_query(), anomaly="S1", control=True),
            list_all(first, anomaly="K1"),
            list_all(first, anomaly="K1"),
            list_all(second, anomaly="K1"),
            list_all(second, anomaly="K1"),
            list_all(first, anomaly="K1"),
        ),
    )


def _by_id(first: int, material: Material) -> Plan:
    """The owner reads a memory by its id between two attempts by the other user."""
    owner, other = first, 1 - first
    foreign = Step(op=Operation.GET, user=other, fact=owner, anomaly="K1")
    return Plan(
        name="cache-key-get",
        anomaly="K1",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, 1)),
        needs=("get",),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0),
            settle(1),
            Step(op=Operation.GET, user=other, fact=owner, anomaly="O1", control=True),
            Step(op=Operation.GET, user=owner, fact=owner),
            foreign,
            Step(op=Operation.GET, user=owner, fact=owner),
            foreign,
        ),
    )


def _stale(material: Material) -> Plan:
    """User 0 searches for a fact, stores it and searches again; the first answer must not be served again."""
    facts = facts_of(material, (0, 0, 1))
    anew = facts[1].text.replace("{canary}", "").strip()
    return Plan(
        name="cache-key-stale",
        anomaly="K1",
        users=(ordinary(0), ordinary(1)),
        facts=facts,
        steps=(
            add(0, 0),
            add(1, 2),
            settle(0, 0),
            settle(1, 2),
            search(0, 1),
            search(0, 1),
            list_all(0),
            list_all(1),
            search(1, 2),
            add(0, 1),
            settle(0, 1, anomaly="K1"),
            search(0, query=anew),
            list_all(0, anomaly="K1"),
            search(0, 1, anomaly="K1"),
        ),
    )


def _paraphrased(first: int, material: Material) -> Plan:
    """The second user makes a paraphrase of a search before anyone repeats a search."""
    people, second = material.people, 1 - first
    subject = people.subject()
    return Plan(
        name="soft-scope",
        anomaly="K2",
        users=(ordinary(0), ordinary(1)),
        facts=tuple(FactSpec(text=people.fact_near(subject), owners=(user,)) for user in (0, 1)),
        steps=(
            *both_seen(material, second),
            search(first, query=question(subject)),
            search(first, query=question(subject)),
            search(second, query=paraphrase(subject), anomaly="K2"),
            search(first, query=paraphrase(subject), anomaly="K2"),
        ),
    )


_WAYS = ((0, "a-first"), (1, "b-first"))
KEY_CELLS = [
    *(Cell(f"K1-search-{way}", "K1", partial(_searched, user), also=("K2",)) for user, way in _WAYS),
    *(Cell(f"K1-list-{way}", "K1", partial(_listed, user)) for user, way in _WAYS),
    Cell("K1-stale", "K1", _stale),
]
GET_CELLS = [
    Cell(f"K1-get-{way}", "K1", partial(_by_id, user), needs=("get",), also=("O1",)) for user, way in _WAYS
]
NEARNESS_CELLS = [Cell(f"K2-paraphrase-{way}", "K2", partial(_paraphrased, user)) for user, way in _WAYS]
