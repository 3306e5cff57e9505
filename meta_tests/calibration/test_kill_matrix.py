"""The kill matrix: every seeded fault is caught and called by its own name, and the clean store is HELD.

Which checks catch it at profile ci with three seeds is on record, in fixtures/kill_matrix.json. Every run of
the tests asks one of them of each fault, unless it takes a crowd; `--whole` asks all of them, with one of the
seeds. What else a fault may be called is data, each with its reason: a store that breaks a broad law breaks
narrower ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import pytest

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.engine.examination import examine
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import expected_checks
from isolation_tests.faults import FAULTS
from isolation_tests.judges.explaining.implications import WITHIN_A_HISTORY, Scope
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.plans.cells import EVERY_AXIS
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, named, only, takes_turn
from meta_tests.calibration.relation import BROAD, MEASURE, Relation, Row, read, settings_of

SEEDS = (1, 2, 3)
LACKING: dict[str, dict[str, str]] = {
    # A call of a sync adapter can't be cancelled; the async twin is asked that.
    "reference": {"overlapping-calls-stay-apart[C3-cancelled]": "the adapter does not offer async"},
    "reference-async": {},
    "reference-axes": {
        "overlapping-calls-stay-apart[C3-cancelled]": "the adapter does not offer async",
        "surfaces-agree[completeness-twin]": "the target's file has no twin",
    },
}
"""The clean stores, each with the checks that it can't be asked and why."""
OF_NAMES = ("search-stays-own[", "get-all-stays-own[", "delete-all-stays-own[", "missing-user-")
"""Laws with a check for each related or hostile name."""
TRIES = 20
"""How often a race is asked for that no check catches every time."""
SHARE = 8
"""About how many checks of one law are asked whether they still catch a fault."""
CROWDED = ("witnesses[", "old-facts-stay[")
"""Checks that need a crowd, and seconds."""
FURTHER_AXES = ("-2", "-3")
"""How the name of a fault ends whose mechanism stands in the first axis, too."""
NOT_YET = frozenset({"C5", "X4"})
"""Anomalies that no check looks for yet."""


@dataclass(frozen=True, slots=True)
class MayShow:
    """What else runs with some faults may show.

    also: anomalies that may be named beside the faults' own, or in its place: not every plan shows the broad
    cause as such. racy: not every load shows these faults, so that each of the names is as good as their own.
    """

    faults: tuple[str, ...]
    also: frozenset[str]
    reason: str
    racy: bool = False


def explained(anomaly: str) -> frozenset[str]:
    """The anomalies that this one explains in answers other than its own."""
    edges = [
        edge for edge in WITHIN_A_HISTORY if anomaly in edge.cause.named and edge.scope is not Scope.ANSWER
    ]
    return frozenset(
        name for edge in edges for name in edge.effect.named or {*CATALOGUE} - {*edge.effect.but}
    )


_OVERLAPPING = frozenset({"C1", "C2", "C3", "C4"})
_NAMED = frozenset({"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "S6"})

MAY_SHOW = (
    MayShow(
        ("S1-global", "S1-search-ignores-user", "S1-get-all-ignores-user"),
        explained("S1"),
        "Where the user is not applied at all, a plan that hunts a narrower anomaly may show that one alone.",
    ),
    MayShow(("S1-global",), frozenset({"D1"}), "Who sees everything here deletes everything, too."),
    MayShow(("S3-zero-opens",), frozenset({"A6"}), "0 that sees everyone sees what False wrote, too."),
    MayShow(
        ("S3-none-opens",),
        frozenset({"C4"}),
        "Where no user at all sees everybody, so does a call that is meant to fail.",
    ),
    MayShow(
        ("A1-prefix", "A1-like", "A1-joined", "A1-suffix", "A1-contains"),
        frozenset({"A3", "A4", "A6", "S6"}),
        "A padded, accented or longer name also begins with the shorter one, ends in it or contains it.",
    ),
    MayShow(
        ("A2-regex",),
        frozenset({"A1"}),
        "A pattern that is searched for, not matched in full, also finds longer names.",
    ),
    MayShow(
        ("A5-split-at-colon",),
        frozenset({"A1"}),
        "What is cut at the colon also begins with what is left.",
    ),
    MayShow(
        ("A8-cut-at-query",),
        frozenset({"A3"}),
        "Drawn names that differ behind the cut may differ in mere padding there.",
    ),
    MayShow(
        ("K1-search-key", "K1-list-key", "K2-semantic"),
        _OVERLAPPING,
        "Where calls overlap, an answer that was kept for another user is one that was crossed.",
    ),
    MayShow(
        ("K1-get-key",),
        frozenset({"O1"}),
        "Where nobody asked before its owner did, a memory that was kept by its id was never checked.",
    ),
    MayShow(
        ("K2-semantic",),
        explained("K2"),
        "A question is also near to itself, and a plan that asks no near one shows the equal one alone.",
    ),
    MayShow(("K2-semantic",), _NAMED, "Near questions of users with related names have two explanations."),
    MayShow(
        ("K1-list-key", "K2-semantic"),
        frozenset({"S1", "completeness"}),
        "An answer that was kept before the last write need not be all of anybody's answer in the plan.",
    ),
    MayShow(
        ("X5-export-last-writer",),
        frozenset({"C2"}),
        "Who wrote last is ambient: where calls overlap, that is somebody else.",
    ),
    MayShow(
        ("C4-pool-state",),
        frozenset({"C2", "D1", "O6"}),
        "Any calls may get what the failing one left behind: reads and writes go astray, and own facts lack.",
    ),
    MayShow(
        ("C1-shared-handle",),
        _OVERLAPPING,
        "A race shows under the lighter load, under the harder one, or under both.",
    ),
    MayShow(
        ("D1-latest-are-flushed",),
        frozenset({"completeness"}),
        "Where one plan shows it, the opening loses the facts, and not the users who came between.",
        racy=True,
    ),
    MayShow(
        ("C1-shared-handle-rarely", "C1-shared-handle-writes"),
        _OVERLAPPING,
        "As C1-shared-handle, and neither load shows it every time.",
        racy=True,
    ),
    MayShow(
        ("C1-shared-handle", "C1-shared-handle-writes", "C1-shared-handle-rarely"),
        frozenset({"completeness", "D1", "S1", "X5"}),
        "What goes astray shows where somebody looks next, and is missing where it belongs.",
    ),
    MayShow(
        ("C1-batched-writes",),
        frozenset({"C2", "C3", "C4", "D1", "O4", "O6", "X5", "completeness"}),
        "What was stored for somebody else shows, and is missing, wherever one looks.",
    ),
    MayShow(
        ("D1-shifted-positions",),
        frozenset({"D2", "M2", "O6", "S4", "completeness"}),
        "Whoever removed something before, the hit is lost where somebody searches next.",
    ),
    MayShow(
        ("D4-history-of-reused-number",),
        frozenset({"O4"}),
        "Where the number's earlier owner is still there, their versions are read by an id.",
    ),
    MayShow(
        ("S2-shared-default",),
        frozenset({"S1", "D3", "D4"}),
        "What everybody's metadata says shows in rows without a text, and after its owner has deleted it.",
    ),
    MayShow(
        ("S2-follows-links",),
        frozenset({"S1"}),
        "Where the row's own text says nothing, what it leads to is a stranger's fact.",
    ),
    MayShow(
        ("D4-place-reused",),
        frozenset({"S1", "D3"}),
        "Who left may come back into another's place, or into their own with all that was in it.",
    ),
    MayShow(
        ("D4-number-reused",),
        frozenset({"X5"}),
        "Where somebody else's facts of now are exported too, the export is open to everybody.",
    ),
    MayShow(
        ("C3-crossed-reply",),
        frozenset({"completeness"}),
        "A reply that went to somebody else is missing where it was due.",
    ),
    MayShow(
        ("S5-null-opens", "S6-fallback-scan", "S6-query-operator"),
        frozenset({"M5"}),
        "What a value opens for the first time after maintenance looks as if that had given it away.",
    ),
    MayShow(
        ("completeness-lost-update",),
        frozenset({"D1"}),
        "What a user's own overlapping calls lose is missed after the next call of somebody else.",
    ),
    MayShow(
        ("O6-waiting-writes",),
        frozenset({"D1"}),
        "A write that was lost while it waited is missed after the next call of somebody else.",
    ),
    MayShow(
        tuple(f"S7-cached-{position}" for position in (1, 2, 3)),
        frozenset({"K1", "D4"}),
        "An answer that was kept without one axis is another user's that was kept, perhaps deleted since.",
    ),
    MayShow(
        ("D4-ghost-readd",),
        frozenset({"D3"}),
        "What came back was never gone, if nobody looked in between.",
    ),
)
"""The relation beside what explains what: each row holds for the mechanisms of its faults only."""

ALSO = {
    fault: frozenset().union(*(row.also for row in MAY_SHOW if fault in row.faults))
    for row in MAY_SHOW
    for fault in row.faults
}


def base(fault: str) -> str:
    """The clean store that offers what the fault needs."""
    if any(need.startswith("axes.") for need in FAULTS[fault].needs):
        return "reference-axes"
    return "reference-async" if "async" in FAULTS[fault].needs else "reference"


def own_names(fault: str) -> frozenset[str]:
    """What a fault may always be called."""
    racy = (row.also for row in MAY_SHOW if row.racy and fault in row.faults)
    return frozenset({FAULTS[fault].anomaly}).union(*racy)


def planted(fault: str) -> str:
    """The fault in front of its clean store."""
    return f"fault:{fault}@{base(fault)}"


def turn(fault: str) -> int:
    """The seed whose turn it is."""
    return SEEDS[list(FAULTS).index(fault) % len(SEEDS)]


@pytest.fixture(scope="module")
def on_record() -> Relation:
    return read()


def test_every_fault_and_only_checks_that_exist_are_on_record(on_record: Relation) -> None:
    checks = {check.check for check in expected_checks(PROFILES[on_record.profile], EVERY_AXIS)}

    assert on_record.seeds == SEEDS
    assert set(on_record.faults) == set(FAULTS)
    for fault, row in on_record.faults.items():
        assert {*row.always, *row.racy} <= checks, fault
        assert row.asked in (row.always or row.racy), fault


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=pytest.mark.matrix) if row.asked.startswith(CROWDED) else fault
        for fault, row in read().faults.items()
    ],
)
def test_each_fault_is_caught_by_the_check_on_record(fault: str, on_record: Relation) -> None:
    row = on_record.faults[fault]
    tries = 1 if row.always else TRIES
    asked = (ask(settings_of(planted(fault), turn(fault)), only(row.asked)) for _ in range(tries))

    assert any(named(results) & own_names(fault) for results in asked), f"{row.asked} does not catch it"


@pytest.mark.parametrize(
    "target", ["reference", "reference-axes", pytest.param("reference-async", marks=pytest.mark.matrix)]
)
def test_the_checks_on_record_hold_without_a_fault(target: str, on_record: Relation) -> None:
    with_axes = target == "reference-axes"
    asked = {
        row.asked for fault, row in on_record.faults.items() if (base(fault) == "reference-axes") == with_axes
    }
    results = ask(settings_of(target, SEEDS[0]), only(*asked))

    assert {result.check for result in results} == asked
    assert not_held(results).items() <= LACKING[target].items()


@pytest.mark.parametrize(
    ("target", "seed"),
    [
        pytest.param("reference", 1, marks=pytest.mark.matrix),
        pytest.param("reference-async", 2, marks=pytest.mark.matrix),
        pytest.param("reference-axes", 3, marks=pytest.mark.matrix),
    ],
)
def test_the_whole_clean_store_is_held(target: str, seed: int) -> None:
    assert not_held(examine(Settings(target=target, profile="ci", seed=str(seed)))) == LACKING[target]


def not_held(results: list[CheckResult]) -> dict[str, str]:
    """The checks that did not hold, and why."""
    return {result.check: result.reason for result in results if result.verdict is not Verdict.HELD}


@pytest.mark.matrix
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_caught_by_all_the_checks_on_record(fault: str, on_record: Relation) -> None:
    """With one seed of those that it was measured with; of a law with many such checks, some take turns."""
    row, own = on_record.faults[fault], own_names(fault)
    laws: dict[str, list[str]] = {}
    for check in row.always:
        laws.setdefault(check.partition("[")[0], []).append(check)
    asked: set[str] = set()
    for checks in laws.values():
        each = 1 + len(checks) // SHARE
        asked.update(checks[turn(fault) % each :: each])
    results = ask(settings_of(planted(fault), turn(fault)), only(*asked))
    lost = asked - {result.check for result in results if named([result]) & own}

    assert not lost, f"{lost} lost it. If that is as it should be: {MEASURE} --fault {fault}"


@pytest.mark.matrix
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_called_by_nothing_but_its_own_name(fault: str) -> None:
    """Every law at profile quick, which not every fault shows at; the seeds take turns.

    The matrix of names is asked of faults that have to do with names, and the rest of all others. Of these,
    each fault is asked every other check, and every fourth of the broad laws; one that stands in a further
    axis as another does in the first is asked half of that.
    """
    anomaly, number = FAULTS[fault].anomaly, list(FAULTS).index(fault)
    rarely = 2 if fault.endswith(FURTHER_AXES) and f"{fault[:-1]}1" in FAULTS else 1

    def wanted(check: str, _: Sequence[str]) -> bool:
        if not takes_turn(check, number, of=rarely * (4 if check.startswith(BROAD) else 2)):
            return False
        return anomaly in ("S1", "D1") or check.startswith(OF_NAMES) is (anomaly in _NAMED | {"S3"})

    results = ask(Settings(target=planted(fault), profile="quick", seed=str(turn(fault))), wanted)

    assert named(results) <= own_names(fault) | ALSO.get(fault, frozenset())


def test_what_differs_from_the_record_is_named() -> None:
    row, race = Row(asked="a", always=("a", "b"), racy=("c",)), Row(asked="c", always=(), racy=("c",))

    assert row.difference({"a", "b"}) == row.difference({"a", "b", "c"}) == {"lost": [], "new": []}
    assert row.difference({"a", "d"}) == {"lost": ["b"], "new": ["d"]}
    assert race.difference({"d"}) == {"lost": [], "new": []}


def test_every_anomaly_has_a_fault_that_shows_nothing_else() -> None:
    # A shared handle, a reply and a pool are among the things that any overlapping calls show.
    alone = {fault.anomaly for name, fault in FAULTS.items() if name not in ALSO} | {"C1", "C3", "C4"}
    assert alone == set(CATALOGUE) - NOT_YET


def test_each_row_tells_faults_something_new() -> None:
    for row in MAY_SHOW:
        others = [other.also for other in MAY_SHOW if other is not row and {*other.faults} & {*row.faults}]

        assert {*row.faults} <= set(FAULTS)
        assert row.also <= set(CATALOGUE)
        assert all(row.also - {FAULTS[fault].anomaly} for fault in row.faults)
        assert row.also.isdisjoint(frozenset().union(*others)), row.reason


def test_no_anomaly_stands_for_another_that_stands_for_it() -> None:
    """Of what explains what, and of what a fault may also be called, no names lead in a circle."""
    graph = {anomaly: {*explained(anomaly)} for anomaly in CATALOGUE}
    for row in MAY_SHOW:
        for fault in row.faults:
            own = FAULTS[fault].anomaly
            # A broad name that explains the fault's own stands for it where a plan shows nothing narrower.
            graph[own] |= {name for name in row.also if name != own and own not in explained(name)}

    TopologicalSorter(graph).prepare()
