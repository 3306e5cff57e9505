"""What is asked: the exhaustive matrix as cells, and Hypothesis strategies over plans.

A cell is one named question. Its plan is built when it runs, from the run's seed and from what the target
offers, so that the list of cells is the same for every run and a missing one is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from isolation_tests.facts import People
from isolation_tests.model import FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.names import HOSTILE_VALUES, RELATIONS, HostileValue, Relation

OWNER_KEYS = ("user_id", "user", "owner", "tenant_id", "namespace")
BULK = 130
"""Facts of one user in a bulk plan: more than the pages of 10 to 100 that systems are known to stop at."""

ORDINARY = UserSpec()


@dataclass(frozen=True, slots=True)
class Material:
    """What a cell's plan is made from: people and their facts, and what the target offers."""

    people: People
    capabilities: frozenset[str] = frozenset()
    owner_keys: tuple[str, ...] = OWNER_KEYS
    crowd: int = 300


@dataclass(frozen=True, slots=True)
class Cell:
    """One question. id: stable, part of the check's name. needs: capabilities it can't do without."""

    id: str
    anomaly: str
    build: Callable[[Material], Plan]
    quick: bool = True
    needs: tuple[str, ...] = ()
    relation: str | None = None
    also: tuple[str, ...] = field(default=())


def ordinary(group: int) -> UserSpec:
    """A user whose name is related to nobody's."""
    return UserSpec(group=group)


def _add(user: int, fact: int, **more: Any) -> Step:
    return Step(op=Operation.ADD, user=user, fact=fact, **more)


def _settle(user: int, fact: int | None = None, **more: Any) -> Step:
    return Step(op=Operation.SETTLE, user=user, fact=fact, **more)


def _list(user: int, **more: Any) -> Step:
    return Step(op=Operation.GET_ALL, user=user, **more)


def _search(user: int, fact: int | None = None, **more: Any) -> Step:
    return Step(op=Operation.SEARCH, user=user, fact=fact, **more)


def _empty(user: int, **more: Any) -> Step:
    return Step(op=Operation.DELETE_ALL, user=user, **more)


def _facts(material: Material, owners: Sequence[int]) -> tuple[FactSpec, ...]:
    return tuple(FactSpec(text=material.people.fact(), owners=(owner,)) for owner in owners)


# --- related names ---------------------------------------------------------------------------------------


def name_cells(operation: Operation) -> list[Cell]:
    """Relation x direction for one of search, get_all and delete_all."""
    build = _delete_plan if operation is Operation.DELETE_ALL else _read_plan
    return [
        Cell(
            id=f"{relation.anomaly}-{relation.name}-{operation}-{direction}",
            anomaly=relation.anomaly,
            build=_bind_names(build, relation, operation, actor),
            quick=relation.quick and actor == 0,
            relation=relation.name,
            also=("D1", "D3") if operation is Operation.DELETE_ALL else ("S1",),
        )
        for relation in RELATIONS
        for actor, direction in ((0, "a-acts"), (1, "b-acts"))
    ]


def _bind_names(
    build: Callable[[Material, Relation, Operation, int], Plan],
    relation: Relation,
    operation: Operation,
    actor: int,
) -> Callable[[Material], Plan]:
    return lambda material: build(material, relation, operation, actor)


def _read_plan(material: Material, relation: Relation, operation: Operation, viewer: int) -> Plan:
    """The viewer and an unrelated control user read; only the owner may see fact 0."""
    owner, control, query = 1 - viewer, 2, material.people.neutral_query()
    searching = operation is Operation.SEARCH
    probes = (
        (
            _search(control, query=query, anomaly="S1", control=True),
            _search(control, 0, anomaly="S2", control=True),
            _search(viewer, 0, anomaly=relation.anomaly),
            _search(viewer, query=query, anomaly=relation.anomaly),
        )
        if searching
        else (_list(control, anomaly="S1", control=True), _list(viewer, anomaly=relation.anomaly))
    )
    return Plan(
        name=f"{relation.name}-{operation}",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1)),
        facts=_facts(material, (owner, viewer, control)),
        steps=(
            _add(owner, 0),
            _add(viewer, 1),
            _add(control, 2),
            _settle(control, 2 if searching else None, control=True),
            _settle(owner, 0 if searching else None),
            _settle(viewer, 1 if searching else None),
            *probes,
        ),
    )


def _delete_plan(material: Material, relation: Relation, operation: Operation, actor: int) -> Plan:
    """The actor deletes all; the related victim and an unrelated control user keep everything."""
    victim, control = 1 - actor, 2
    return Plan(
        name=f"{relation.name}-{operation}",
        anomaly=relation.anomaly,
        relation=relation.name,
        users=(*relation.pair(), ordinary(1)),
        facts=_facts(material, (actor, victim, control)),
        steps=(
            _add(actor, 0),
            _add(victim, 1),
            _add(control, 2),
            _settle(control, control=True),
            _settle(actor),
            _settle(victim),
            _empty(actor),
            _settle(actor, anomaly="D3"),
            _list(control, anomaly="D1", control=True),
            _list(victim, anomaly=relation.anomaly),
        ),
    )


# --- hostile values in place of a user -------------------------------------------------------------------


def hostile_cells(kind: str) -> list[Cell]:
    """Hostile value x one of reads, writes, deletes."""
    build = {"reads": _hostile_read, "writes": _hostile_write, "deletes": _hostile_delete}[kind]
    return [
        Cell(
            id=f"{value.anomaly}-{value.name}-{kind}",
            anomaly=value.anomaly,
            build=_bind_value(build, value),
            quick=value.quick,
            relation=value.name,
        )
        for value in HOSTILE_VALUES
    ]


def _bind_value(build: Callable[[Material, HostileValue], Plan], value: HostileValue) -> Callable[[Material], Plan]:
    return lambda material: build(material, value)


def _hostile_plan(value: HostileValue, facts: tuple[FactSpec, ...], steps: tuple[Step, ...]) -> Plan:
    """User 0 is ordinary, user 1 has the hostile value, user 2 is the ordinary control."""
    return Plan(
        name=value.name,
        anomaly=value.anomaly,
        relation=value.name,
        users=(ordinary(0), value.spec(group=0), ordinary(1)),
        facts=facts,
        steps=steps,
    )


def _hostile_read(material: Material, value: HostileValue) -> Plan:
    steps = (
        _add(0, 0),
        _settle(0, 0),
        _search(2, query=material.people.neutral_query(), anomaly="S1", control=True),
        _list(2, anomaly="S1", control=True),
        _search(1, 0, anomaly=value.anomaly),
        _list(1, anomaly=value.anomaly),
    )
    return _hostile_plan(value, _facts(material, (0,)), steps)


def _hostile_write(material: Material, value: HostileValue) -> Plan:
    steps = (
        _add(2, 1),
        _settle(2, 1),
        _add(0, 2),
        _settle(0, 2, control=True),
        _add(1, 0),
        _list(2, anomaly=value.anomaly),
        _search(2, 0, anomaly=value.anomaly),
        _list(1, anomaly=value.anomaly),
    )
    return _hostile_plan(value, _facts(material, (1, 2, 0)), steps)


def _hostile_delete(material: Material, value: HostileValue) -> Plan:
    steps = (
        _add(0, 0),
        _add(2, 1),
        _settle(0, 0),
        _settle(2, 1, control=True),
        _empty(1),
        _list(0, anomaly=value.anomaly),
        _list(2, anomaly=value.anomaly),
    )
    return _hostile_plan(value, _facts(material, (0, 2)), steps)


TYPED_PAIRS: tuple[tuple[str, str, str], ...] = (
    ("one-true", "1", "true"),
    ("one-text", "1", '"1"'),
    ("zero-false", "0", "false"),
    ("true-text", "true", '"true"'),
)
"""Literal pairs that a loose comparison takes for one: (name, a, b) as JSON."""


def typed_cells() -> list[Cell]:
    """Two literals of different types: what one writes the other does not read."""
    return [
        Cell(f"A6-{name}-{way}", "A6", _bind_typed(name, *pair), quick=False, relation=name)
        for name, a, b in TYPED_PAIRS
        for way, pair in (("a-writes", (a, b)), ("b-writes", (b, a)))
    ]


def _bind_typed(name: str, writer: str, reader: str) -> Callable[[Material], Plan]:
    return lambda material: _typed_plan(material, name, writer, reader)


def _typed_plan(material: Material, name: str, writer: str, reader: str) -> Plan:
    users = [UserSpec(template=t, type="json", hostile=True) for t in (writer, reader)]
    return Plan(
        name=name,
        anomaly="A6",
        relation=name,
        users=(*users, ordinary(1)),
        facts=_facts(material, (0, 1, 2)),
        steps=(
            _add(2, 2),
            _settle(2, 2, control=True),
            _add(0, 0),
            _list(2, anomaly="S1", control=True),
            _list(1, anomaly="A6"),
            _search(1, 0, anomaly="A6"),
        ),
    )


# --- scope -----------------------------------------------------------------------------------------------


def _scope_drop(material: Material) -> Plan:
    people = material.people
    return Plan(
        name="scope-drop",
        anomaly="S1",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 1)),
        steps=(
            _add(0, 0),
            _add(1, 1),
            _settle(0, 0, control=True),
            _settle(1, 1, control=True),
            _search(1, query=people.neutral_query(), anomaly="S1", control=True),
            _list(1, anomaly="S1", control=True),
            _search(1, 0, anomaly="S2"),
        ),
    )


def _empty_reader(material: Material) -> Plan:
    """A user who stored nothing sees nothing: a default for "no rows yet" must not be everybody's rows."""
    return Plan(
        name="scope-drop-newcomer",
        anomaly="S1",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0,)),
        steps=(
            _add(0, 0),
            _settle(0, 0),
            _list(1, anomaly="S1"),
            _search(1, query=material.people.neutral_query(), anomaly="S1"),
        ),
    )


def _legs(material: Material) -> Plan:
    """Two users mention one person: every leg of the search, and every field, stays with its own user."""
    people = material.people
    entity = people.shared_entity()
    facts = tuple(FactSpec(text=people.fact_about(entity), owners=(user,)) for user in (0, 1))
    return Plan(
        name="leg-unscoped",
        anomaly="S2",
        users=(ordinary(0), ordinary(1)),
        facts=facts,
        steps=(
            _add(0, 0),
            _add(1, 1),
            _settle(0),
            _settle(1),
            _search(1, query=people.neutral_query(), anomaly="S1", control=True),
            _list(1, anomaly="S1", control=True),
            _search(1, query=entity, anomaly="S2"),
            _search(1, 0, anomaly="S2"),
            _search(0, query=f"What do we know about {entity}?", anomaly="S2"),
        ),
    )


SCOPE_CELLS = [
    Cell("S1-two-users", "S1", _scope_drop, also=("S2",)),
    Cell("S1-newcomer", "S1", _empty_reader),
]
LEG_CELLS = [Cell("S2-shared-entity", "S2", _legs)]

_TOPIC = {"topic": "travel"}
PRECEDENCE: dict[str, Callable[[Sequence[str]], list[dict[str, Any]]]] = {
    "or": lambda _: [{"OR": [_TOPIC, {"topic": "food"}]}],
    "or-last": lambda _: [{"OR": [{"topic": "no such topic"}, _TOPIC]}],
    "not": lambda _: [{"NOT": {"topic": "no such topic"}}, {"NOT": [{"topic": "no such topic"}]}],
    "and": lambda _: [{"AND": [_TOPIC]}],
    "owner-key": lambda keys: [{key: "@0"} for key in keys],
    "or-owner-key": lambda keys: [{"OR": [_TOPIC, {key: "@0"}]} for key in keys],
    "not-owner-key": lambda keys: [{"NOT": {key: "@1"}} for key in keys],
}
"""Shapes of a caller's filter that must only ever narrow the caller's own memories."""

INJECTED_VALUES = (
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR "1"="1',
    "travel' OR topic LIKE '%",
    "%",
    "*",
    "travel OR *:*",
    '{"$ne": null}',
    "$.*",
    "'}) RETURN n //",
)


def filter_cells() -> list[Cell]:
    """S5: each shape of filter, in search and in get_all."""
    return [
        Cell(f"S5-{name}-{op}", "S5", _bind_filter(shape, "S5", op), needs=("filters", "metadata"))
        for name, shape in PRECEDENCE.items()
        for op in (Operation.SEARCH, Operation.GET_ALL)
    ]


def injection_cells() -> list[Cell]:
    """S6: values and keys of a filter that a query language would read as syntax."""

    def values(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{"topic": value} for value in INJECTED_VALUES]

    def keys(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{f"topic{tail}": "travel"} for tail in ("' OR '1'='1", '" OR "1"="1', "') OR 1=1 --", ".$ne")]

    def operators(_: Sequence[str]) -> list[dict[str, Any]]:
        return [{"topic": {"$ne": "x"}}, {"$or": [_TOPIC, {"topic": {"$exists": True}}]}, {"$where": "1"}]

    return [
        Cell(f"S6-filter-{name}-{op}", "S6", _bind_filter(shape, "S6", op), needs=("filters", "metadata"))
        for name, shape in (("values", values), ("keys", keys), ("operators", operators))
        for op in (Operation.SEARCH, Operation.GET_ALL)
    ]


def _bind_filter(
    shape: Callable[[Sequence[str]], list[dict[str, Any]]], anomaly: str, op: Operation
) -> Callable[[Material], Plan]:
    return lambda material: _filter_plan(material, shape(material.owner_keys), anomaly, op)


def _filter_plan(material: Material, filters: list[dict[str, Any]], anomaly: str, op: Operation) -> Plan:
    """User 1 narrows by each filter; nothing of user 0, who stored a fact of the same topic, may show."""
    asked = [
        _search(1, 0, filters=one, anomaly=anomaly)
        if op is Operation.SEARCH
        else _list(1, filters=one, anomaly=anomaly)
        for one in filters
    ]
    return Plan(
        name=f"{anomaly}-filters",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 1)),
        needs=("filters", "metadata"),
        steps=(
            _add(0, 0, metadata=_TOPIC),
            _add(1, 1, metadata=_TOPIC),
            _settle(0, 0, control=True),
            _settle(1, 1, control=True),
            _search(1, query=material.people.neutral_query(), anomaly="S1", control=True),
            _search(1, 0, anomaly="S2", control=True),
            *asked,
        ),
    )


# --- by id, keys and handles -----------------------------------------------------------------------------


def _by_id(op: Operation, anomaly: str) -> Callable[[Material], Plan]:
    def build(material: Material) -> Plan:
        writes = op is Operation.UPDATE
        facts = _facts(material, (0, 1, 1) if writes else (0, 1))
        foreign = {"fact": 2, "replaces": 0} if writes else {"fact": 0}
        return Plan(
            name=f"by-id-{op}",
            anomaly=anomaly,
            users=(ordinary(0), ordinary(1)),
            facts=facts,
            needs=(op.value,),
            steps=(
                _add(0, 0),
                _add(1, 1),
                _settle(0, 0, control=True),
                _settle(1, 1, control=True),
                Step(op=op, user=1, absent=True, **foreign),
                Step(op=op, user=1, **foreign),
                _list(0, anomaly=anomaly),
                _list(1, anomaly="S1"),
            ),
        )

    return build


BY_ID_CELLS = [
    Cell(f"{anomaly}-{op}", anomaly, _by_id(op, anomaly), needs=(op.value,), also=("X2", "X3"))
    for op, anomaly in (
        (Operation.GET, "O1"),
        (Operation.UPDATE, "O2"),
        (Operation.DELETE, "O3"),
        (Operation.HISTORY, "O4"),
    )
]


def _rebind_by_add(material: Material) -> Plan:
    keys = material.owner_keys
    return Plan(
        name="rebind-add",
        anomaly="O5",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 1, *(1 for _ in keys))),
        needs=("metadata",),
        steps=(
            _add(0, 0),
            _add(1, 1),
            _settle(0, control=True),
            _settle(1, control=True),
            *(_add(1, 2 + i, metadata={key: "@0"}) for i, key in enumerate(keys)),
            _settle(1, anomaly="O5"),
            _list(0, anomaly="O5"),
            _search(0, 2, anomaly="O5"),
        ),
    )


def _rebind_by_update(material: Material) -> Plan:
    keys = material.owner_keys
    count = len(keys)
    return Plan(
        name="rebind-update",
        anomaly="O5",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, *(1 for _ in range(2 * count)))),
        needs=("update", "update_metadata"),
        steps=(
            _add(0, 0),
            *(_add(1, 1 + i) for i in range(count)),
            _settle(0, control=True),
            _settle(1, control=True),
            *(
                Step(op=Operation.UPDATE, user=1, fact=1 + count + i, replaces=1 + i, metadata={key: "@0"})
                for i, key in enumerate(keys)
            ),
            _settle(1, anomaly="O5"),
            _list(0, anomaly="O5"),
        ),
    )


REBIND_CELLS = [
    Cell("O5-add", "O5", _rebind_by_add, needs=("metadata",)),
    Cell("O5-update", "O5", _rebind_by_update, needs=("update", "update_metadata")),
]


def _same_key(material: Material) -> Plan:
    return Plan(
        name="key-collision",
        anomaly="O6",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 1, 0, 1)),
        needs=("key",),
        steps=(
            _add(0, 2),
            _add(1, 3),
            _settle(0, control=True),
            _settle(1, control=True),
            _add(0, 0, key="profile-{base}"),
            _settle(0, anomaly="O6"),
            _add(1, 1, key="profile-{base}"),
            _settle(1, anomaly="O6"),
            _list(0, anomaly="O6"),
            _list(1, anomaly="O6"),
        ),
    )


KEY_CELLS = [Cell("O6-same-key", "O6", _same_key, needs=("key",))]


def _bulk(material: Material, anomaly: str, steps: tuple[Step, ...], needs: tuple[str, ...] = ()) -> Plan:
    """User 0 stores many facts, user 1 one (fact number BULK); then the given steps."""
    return Plan(
        name=f"bulk-{anomaly}",
        anomaly=anomaly,
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (*(0 for _ in range(BULK)), 1)),
        needs=needs,
        steps=(
            *(_add(0, fact) for fact in range(BULK)),
            _add(1, BULK),
            _settle(1, control=True),
            *steps,
        ),
    )


def _replayed_cursor(material: Material) -> Plan:
    first = BULK + 2
    turn = Step(op=Operation.PAGE, user=0)
    replay = Step(op=Operation.PAGE, user=1, cursor=first, anomaly="O7")
    return _bulk(material, "O7", (turn, replay), needs=("page",))


HANDLE_CELLS = [Cell("O7-cursor", "O7", _replayed_cursor, needs=("page",))]


# --- deletes ---------------------------------------------------------------------------------------------


def _collateral(material: Material) -> Plan:
    return Plan(
        name="collateral",
        anomaly="D1",
        users=(ordinary(0), ordinary(1), ordinary(2)),
        facts=_facts(material, (0, 1, 2)),
        steps=(
            *(_add(user, user) for user in range(3)),
            *(_settle(user) for user in range(3)),
            _empty(0),
            _settle(0),
            _list(1, anomaly="D1"),
            _search(1, 1, anomaly="D1"),
            _list(2, anomaly="D1"),
            _empty(0),
            _list(1, anomaly="D1"),
        ),
    )


def _maintained(material: Material) -> Plan:
    maintain = Step(op=Operation.MAINTAIN, user=0)
    return Plan(
        name="wide-reset",
        anomaly="D2",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 1)),
        needs=("maintain",),
        steps=(_add(0, 0), _add(1, 1), _settle(0), _settle(1), maintain, _list(1, anomaly="D2")),
    )


def _whole(material: Material) -> Plan:
    return _bulk(
        material,
        "D3",
        (_settle(0), _empty(0), _settle(0), _list(0, anomaly="D3"), _list(1, anomaly="D1")),
    )


def _ghost(material: Material) -> Plan:
    """After a delete every surface is empty, a later write brings nothing back, nor does the same text."""
    offered = material.capabilities
    by_id = [Step(op=op, user=0, fact=0) for op in (Operation.GET, Operation.HISTORY) if op in offered]
    whole = [
        Step(op=op, user=0)
        for op in (Operation.COUNT, Operation.EXPORT, Operation.PAGE)
        if op.value in offered
    ]
    return Plan(
        name="ghost",
        anomaly="D4",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 0, 1, 0)),
        steps=(
            _add(0, 0),
            _add(0, 1),
            _add(1, 2),
            _settle(0, 0),
            _settle(1),
            _empty(0),
            _settle(0),
            _search(0, 0, anomaly="D4"),
            *by_id,
            *whole,
            _add(0, 3),
            _settle(0),
            _list(0, anomaly="D4"),
            _search(0, 1, anomaly="D4"),
            _add(0, 0),
            _settle(0),
            _list(0, anomaly="D4"),
            _search(0, 1, anomaly="D4"),
            *(step for step in whole if step.op is not Operation.PAGE),
        ),
    )


def _ghost_of_one(material: Material) -> Plan:
    offered = material.capabilities
    by_id = [Step(op=op, user=0, fact=0) for op in (Operation.GET, Operation.HISTORY) if op in offered]
    return Plan(
        name="ghost-of-one",
        anomaly="D4",
        users=(ordinary(0),),
        facts=_facts(material, (0, 0)),
        needs=("delete",),
        steps=(
            _add(0, 0),
            _add(0, 1),
            _settle(0, 0),
            Step(op=Operation.DELETE, user=0, fact=0),
            _settle(0, 1, anomaly="D4"),
            _search(0, 0, anomaly="D4"),
            *by_id,
        ),
    )


COLLATERAL_CELLS = [Cell("D1-unrelated", "D1", _collateral)]
MAINTAIN_CELLS = [Cell("D2-maintain", "D2", _maintained, needs=("maintain",))]
PARTIAL_CELLS = [Cell("D3-bulk", "D3", _whole, quick=False, also=("completeness",))]
GHOST_CELLS = [
    Cell("D4-delete-all", "D4", _ghost),
    Cell("D4-delete", "D4", _ghost_of_one, needs=("delete",)),
]


# --- derived data, counts, completeness, crowd -----------------------------------------------------------


def _twins(material: Material) -> Plan:
    """Two users store one text; it stays two memories, and deleting one leaves the other."""
    own = _facts(material, (0, 1))
    shared = FactSpec(text=material.people.fact(), owners=(0, 1))
    return Plan(
        name="dedup",
        anomaly="M1",
        users=(ordinary(0), ordinary(1)),
        facts=(*own, shared),
        steps=(
            _add(0, 0),
            _add(1, 1),
            _settle(0, 0, control=True),
            _settle(1, 1, control=True),
            _add(0, 2),
            _add(1, 2),
            _settle(0, anomaly="M1"),
            _settle(1, anomaly="M1"),
            _list(0, anomaly="M1"),
            _list(1, anomaly="M1"),
            _empty(0),
            _settle(0, anomaly="D3"),
            _list(1, anomaly="M1"),
        ),
    )


def _volumes(material: Material) -> Plan:
    """Five facts and two: each total counts its own."""
    return Plan(
        name="counts",
        anomaly="X1",
        users=(ordinary(0), ordinary(1)),
        facts=_facts(material, (0, 0, 0, 0, 0, 1, 1)),
        needs=("count",),
        steps=(
            *(_add(0, fact) for fact in range(5)),
            *(_add(1, fact) for fact in (5, 6)),
            _settle(0),
            _settle(1),
            Step(op=Operation.COUNT, user=0),
            Step(op=Operation.COUNT, user=1),
        ),
    )


def _spoken_errors(material: Material) -> Plan:
    """Calls that are likely to fail: their messages tell nothing of anybody else."""
    offered = material.capabilities
    foreign = [
        Step(op=op, user=1, fact=0)
        for op in (Operation.GET, Operation.DELETE, Operation.HISTORY)
        if op.value in offered
    ]
    narrowed = [_search(1, 0, filters={"": {"": ["@1"]}}, anomaly="S5")] if "filters" in offered else []
    return Plan(
        name="error-text",
        anomaly="X3",
        users=(ordinary(0), ordinary(1), UserSpec(template="null", type="json", hostile=True)),
        facts=_facts(material, (0, 1)),
        steps=(
            _add(0, 0),
            _add(1, 1),
            _settle(0, 0),
            _settle(1, 1),
            *narrowed,
            _search(1, query="", anomaly="S1"),
            _search(2, 0, anomaly="S3"),
            *foreign,
        ),
    )


def _own_facts(material: Material) -> Plan:
    return _bulk(material, "completeness", (_settle(0, 0), _list(0)))


def _crowd(material: Material) -> Plan:
    """Everybody is present at once, and each is still alone with their own fact."""
    everybody = range(material.crowd)
    return Plan(
        name="crowd",
        anomaly="S1",
        users=tuple(ordinary(user) for user in everybody),
        facts=_facts(material, tuple(everybody)),
        steps=(
            *(_add(user, user) for user in everybody),
            *(_settle(user, user, control=True) for user in everybody),
            *(_list(user, anomaly="completeness") for user in list(everybody)[::10]),
        ),
    )


TWIN_CELLS = [Cell("M1-same-text", "M1", _twins)]
COUNT_CELLS = [Cell("X1-unequal", "X1", _volumes, needs=("count",))]
ERROR_CELLS = [Cell("X3-errors", "X3", _spoken_errors)]
OWN_CELLS = [Cell("completeness-bulk", "completeness", _own_facts, quick=False)]
CROWD_CELLS = [Cell("S1-crowd", "S1", _crowd, also=("completeness",))]


# --- capabilities, probed before use ---------------------------------------------------------------------


def probe_plan(capability: str, material: Material) -> Plan | None:
    """A plan whose last step shows that a claimed capability works; None where nothing can show it."""
    own: dict[str, tuple[Step, ...]] = {
        "get": (Step(op=Operation.GET, user=0, fact=0),),
        "history": (Step(op=Operation.HISTORY, user=0, fact=0),),
        "export": (Step(op=Operation.EXPORT, user=0),),
        "page": (Step(op=Operation.PAGE, user=0),),
        "count": (Step(op=Operation.COUNT, user=0),),
        "update": (Step(op=Operation.UPDATE, user=0, fact=1, replaces=0), _settle(0), _list(0)),
        "delete": (Step(op=Operation.DELETE, user=0, fact=0), _settle(0), _list(0)),
        "filters": (_search(0, 0, filters=dict(_TOPIC)), _list(0, filters=dict(_TOPIC))),
        "metadata": (_list(0),),
        "key": (_list(0),),
        "maintain": (Step(op=Operation.MAINTAIN, user=0),),
    }
    if capability not in own:
        return None
    more: dict[str, Any] = {"metadata": dict(_TOPIC)} if "metadata" in material.capabilities else {}
    if capability == "key":
        more["key"] = "probe-{base}"
    return Plan(
        name=f"probe-{capability}",
        anomaly="completeness",
        users=(ordinary(0),),
        facts=_facts(material, (0, 0)),
        steps=(_add(0, 0, **more), _settle(0), *own[capability]),
    )


# --- search ----------------------------------------------------------------------------------------------

_TAIL = st.text(
    alphabet=st.one_of(
        st.sampled_from("abzABZ019-_.:/|&=%*?#@+ ~"),
        st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs", "Cf"), max_codepoint=0x2FFF),
    ),
    min_size=1,
    max_size=12,
)
_MUTATIONS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    str.casefold,
    lambda tail: tail + " ",
    lambda tail: tail + "x",
    lambda tail: tail + "\u200b",
    lambda tail: tail[:-1],
    lambda tail: tail[::-1],
    lambda tail: tail.replace("_", "-").replace(":", "/").replace(".", "_"),
    lambda tail: "".join("x" if not char.isalnum() else char for char in tail),
    lambda tail: tail + "/../" + tail,
)


@st.composite
def related_pairs(draw: st.DrawFn, group: int) -> tuple[UserSpec, UserSpec]:
    """Two users with related names: a catalogued relation, or one that nobody has thought of yet."""
    if draw(st.booleans()):
        return draw(st.sampled_from(RELATIONS)).pair(group)
    tail = draw(_TAIL)
    other = draw(st.one_of(st.sampled_from(_MUTATIONS).map(lambda change: change(tail)), _TAIL))
    if other == tail:
        other += "~"
    first, second = (UserSpec(template="{base}-" + text, group=group) for text in (tail, other))
    return first, second


_TEXT = st.text(
    alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="{}"),
    max_size=60,
)
_PLAIN = (Operation.ADD, Operation.SEARCH, Operation.GET_ALL, Operation.DELETE_ALL)
_OPTIONAL = (Operation.GET, Operation.UPDATE, Operation.DELETE, Operation.COUNT)


def _drawn(_: Material) -> Plan:
    raise NotImplementedError("the plans of this cell are drawn: ask with hunt()")


SEARCHED = Cell("searched", "S1", _drawn, also=("completeness", "D1", "D3", *sorted({r.anomaly for r in RELATIONS})))
"""The one cell of a searched law."""


@st.composite
def plans(draw: st.DrawFn, capabilities: frozenset[str], *, destructive: bool = True) -> Plan:
    """Sequences by two to four related users; every plan ends with everybody reading once more.

    capabilities: optional operations that may be drawn. destructive: whether hostile names may be drawn
    for writing and deleting (a disposable target).
    """
    pair = related_pairs(0) if destructive else related_pairs(0).filter(lambda both: not both[0].hostile)
    users = [*draw(pair), ordinary(1), *([ordinary(2)] if draw(st.booleans()) else [])]
    offered = [*_PLAIN, *(op for op in _OPTIONAL if op.value in capabilities)]
    facts: list[FactSpec] = []
    steps: list[Step] = []
    for user in range(len(users)):
        _draw_add(draw, user, facts, steps)
    steps.extend(_settle(user) for user in range(len(users)))
    for _ in range(draw(st.integers(0, 8))):
        user = draw(st.integers(0, len(users) - 1))
        _draw_step(draw, draw(st.sampled_from(offered)), user, facts, steps)
    for user in range(len(users)):
        steps += [_settle(user), _list(user), _search(user, draw(st.integers(0, len(facts) - 1)))]
    return Plan(name="sequence", anomaly="S1", users=tuple(users), facts=tuple(facts), steps=tuple(steps))


def _draw_add(draw: st.DrawFn, user: int, facts: list[FactSpec], steps: list[Step]) -> None:
    facts.append(FactSpec(text=draw(_TEXT) + " {canary} " + draw(_TEXT), owners=(user,)))
    steps.append(_add(user, len(facts) - 1))


def _draw_step(
    draw: st.DrawFn, op: Operation, user: int, facts: list[FactSpec], steps: list[Step]
) -> None:
    if op is Operation.ADD:
        _draw_add(draw, user, facts, steps)
        return
    addressed = draw(st.integers(0, len(facts) - 1))
    if op is Operation.UPDATE:
        facts.append(FactSpec(text=draw(_TEXT) + " {canary}", owners=(user,)))
        steps.append(Step(op=op, user=user, fact=len(facts) - 1, replaces=addressed))
    elif op in (Operation.SEARCH, Operation.GET, Operation.DELETE):
        steps.append(Step(op=op, user=user, fact=addressed))
    else:
        steps.append(Step(op=op, user=user))
