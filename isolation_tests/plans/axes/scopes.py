"""More axes than the user: scopes that differ in one axis, that omit one, or that only joining makes equal.

Axes have numbers in the ids of cells, outer to inner and without the user, because every run has the same
cells: what the axes are called, each target says for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from isolation_tests.model import BY_ID, NameSpec, Omitted, Operation, Plan, Step, UserSpec
from isolation_tests.plans.axes.actors import (
    STRANGER,
    THIRD,
    USER,
    actor,
    axis_of,
    elsewhere,
    here,
    value,
    without,
)
from isolation_tests.plans.cells import (
    MOST_AXES,
    Cell,
    Material,
    add,
    axis_need,
    delete_all,
    facts_of,
    list_all,
    search,
    settle,
)
from isolation_tests.plans.objects import JOINING
from isolation_tests.testdata.relations import RELATIONS, Relation

_BROAD = ("S1", "D1", "D3", "K1", "completeness")

Build = Callable[[Material, int], Plan]


def _offered(material: Material, *steps: Step) -> tuple[Step, ...]:
    """The steps without calls that the target does not have, so that the others are asked."""
    return tuple(step for step in steps if step.op.value not in material.lacking)


def _looks(viewer: int, fact: int, query: str, anomaly: str) -> tuple[Step, ...]:
    return (
        search(viewer, query=query, anomaly=anomaly),
        search(viewer, fact, anomaly=anomaly),
        list_all(viewer, anomaly=anomaly),
    )


def _controls(user: int, anomaly: str, query: str) -> tuple[Step, ...]:
    """What the user sees of the others would be a broader cause than the one that a plan looks for."""
    return (
        search(user, query=query, anomaly=anomaly, control=True),
        list_all(user, anomaly=anomaly, control=True),
    )


def _two_scopes(material: Material, number: int) -> Plan:
    """Users 0, 1 and 3 are one user in three places of the axis, 3 without a fact; 2 is somebody else."""
    axis, query = axis_of(material, number).name, material.people.neutral_query()
    return Plan(
        name=f"axis-{number}-two-scopes",
        anomaly="S7",
        relation=axis,
        axes=material.axes,
        users=(
            here(material, axis),
            elsewhere(material, axis),
            here(material, axis, STRANGER),
            elsewhere(material, axis, THIRD),
        ),
        facts=facts_of(material, (0, 1, 2)),
        steps=_offered(
            material,
            *(add(user, user) for user in (0, 1, 2)),
            settle(2, 2, control=True),
            settle(0, 0),
            settle(1, 1),
            *_controls(2, "S1", query),
            *_looks(0, 1, query, "S7"),
            *_looks(1, 0, query, "S7"),
            *_looks(3, 0, query, "S7"),
        ),
    )


def _delete_in_one(material: Material, number: int) -> Plan:
    """User 0 deletes all; the same user elsewhere in the axis (1), and somebody else there (2), keep all."""
    axis = axis_of(material, number).name
    return Plan(
        name=f"axis-{number}-delete_all",
        anomaly="S7",
        relation=axis,
        axes=material.axes,
        users=(
            here(material, axis),
            elsewhere(material, axis),
            here(material, axis, STRANGER),
        ),
        facts=facts_of(material, (0, 1, 2)),
        steps=(
            *(add(user, user) for user in (0, 1, 2)),
            settle(2, control=True),
            settle(0),
            settle(1),
            delete_all(0),
            settle(0, anomaly="D3", hold=True),
            list_all(2, anomaly="D1", control=True),
            list_all(1, anomaly="S7"),
        ),
    )


def _related(relation: Relation, material: Material, number: int) -> Plan:
    """Users 0 and 1 have related values of the axis, 2 has a third one. They read, and 0 deletes all."""
    axis, query = axis_of(material, number).name, material.people.neutral_query()
    return Plan(
        name=f"axis-{number}-{relation.name}",
        anomaly="S7",
        relation=f"{axis}-{relation.name}",
        axes=material.axes,
        users=(
            actor(material, **{axis: value(relation.a)}),
            actor(material, **{axis: value(relation.b)}),
            elsewhere(material, axis),
        ),
        facts=facts_of(material, (0, 1, 2)),
        steps=_offered(
            material,
            *(add(user, user) for user in (0, 1, 2)),
            settle(2, 2, control=True),
            settle(0, 0),
            settle(1, 1),
            *_looks(0, 1, query, "S7"),
            *_looks(1, 0, query, "S7"),
            delete_all(0),
            settle(0, anomaly="D3", hold=True),
            list_all(2, anomaly="S7"),
            list_all(1, anomaly="S7"),
        ),
    )


def _joined(separator: str, material: Material, number: int) -> Plan:
    """Two neighbouring axes whose values are other ones, and equal once they are joined, in either order."""
    outer, inner = (axis.name for axis in material.axes[number - 1 : number + 1])
    query, whole, longer = material.people.neutral_query(), "{base}", f"{{base}}{separator}{{base}}-b"
    rest = f"{{base}}-b{separator}{{base}}-c"
    pairs = [(whole, rest, 0), (longer, "{base}-c", 0), (rest, whole, 2), ("{base}-c", longer, 2)]

    def placed(one: str, other: str, group: int) -> UserSpec:
        values = {outer: value(one, group), inner: value(other, group)}
        user = values.pop(USER, None)
        return actor(material, user, **values)

    return Plan(
        name=f"joined-{number}",
        anomaly="S9",
        relation=f"{outer}-{inner}-joined",
        axes=material.axes,
        users=(*(placed(*pair) for pair in pairs), placed("{base}", "{base}", 4)),
        facts=facts_of(material, range(5)),
        steps=_offered(
            material,
            *(add(user, user) for user in range(5)),
            settle(4, 4, control=True),
            *(settle(user, user) for user in range(4)),
            *_controls(4, "S1" if USER in (outer, inner) else "S7", query),
            *(
                step
                for one, other in ((0, 1), (1, 0), (2, 3), (3, 2))
                for step in _looks(one, other, query, "S9")
            ),
            delete_all(0),
            delete_all(2),
            settle(0, anomaly="D3", hold=True),
            list_all(4, anomaly="D1", control=True),
            list_all(1, anomaly="S9"),
            list_all(3, anomaly="S9"),
        ),
    )


def _given_then_omitted(material: Material, number: int) -> Plan:
    """What user 0 stores with a value, the same user (1) and somebody else (2) look for without one."""
    axis, query = axis_of(material, number).name, material.people.neutral_query()
    doors = [op for op in (Operation.EXPORT, Operation.PAGE) if op.value in material.capabilities]
    return Plan(
        name=f"axis-{number}-read-omitted",
        anomaly="S8",
        relation=f"{axis}-omitted",
        axes=material.axes,
        users=(
            here(material, axis),
            without(material, axis),
            without(material, axis, STRANGER),
            here(material, axis, STRANGER),
        ),
        facts=facts_of(material, (0, 3)),
        steps=_offered(
            material,
            add(0, 0),
            add(3, 1),
            settle(3, 1, control=True),
            settle(0, 0),
            *_controls(3, "S1", query),
            *(
                step
                for viewer in (2, 1)
                for step in (
                    *_looks(viewer, 0, query, "S8"),
                    *(Step(op=op, user=viewer, anomaly="S8") for op in doors),
                )
            ),
        ),
    )


def _omitted_then_given(material: Material, number: int) -> Plan:
    """Neither the same user with a value (1) nor somebody without (2) sees what user 0 stores without one."""
    axis, query = axis_of(material, number), material.people.neutral_query()
    owners = () if axis.omitted is Omitted.REFUSED else (0, 2)
    return Plan(
        name=f"axis-{number}-write-omitted",
        anomaly="S8",
        relation=f"{axis.name}-omitted",
        axes=material.axes,
        users=(
            without(material, axis.name),
            here(material, axis.name),
            without(material, axis.name, STRANGER),
            here(material, axis.name, NameSpec(group=THIRD)),
        ),
        facts=facts_of(material, (0, 1, 2, 3)),
        steps=_offered(
            material,
            *(add(user, user) for user in (0, 1, 2, 3)),
            settle(3, 3, control=True),
            *_controls(3, "S1", query),
            *(settle(user, user, anomaly="S8") for user in (1, *owners)),
            *_looks(1, 0, query, "S8"),
            *_looks(2, 0, query, "S8"),
            delete_all(1),
            settle(1, anomaly="D3", hold=True),
            *(list_all(user, anomaly="S8") for user in owners),
        ),
    )


def _delete_without(material: Material, number: int) -> Plan:
    """User 0 deletes all without a value: of their own with one (1) what is declared, of others nothing.

    What a declared union deletes, its list shows too.
    """
    axis = axis_of(material, number)
    own = () if axis.omitted is Omitted.REFUSED else (0,)
    return Plan(
        name=f"axis-{number}-delete-omitted",
        anomaly="S8",
        relation=f"{axis.name}-omitted",
        axes=material.axes,
        users=(
            without(material, axis.name),
            here(material, axis.name),
            here(material, axis.name, STRANGER),
        ),
        facts=facts_of(material, (0, 1, 2)),
        steps=(
            *(add(user, user) for user in (*own, 1, 2)),
            settle(2, control=True),
            settle(1),
            *(settle(user, anomaly="S8") for user in own),
            delete_all(0),
            settle(0, anomaly="D3", hold=True),
            *((settle(1, anomaly="S8", hold=True),) if axis.omitted is Omitted.ALL else ()),
            list_all(1, anomaly="S8"),
            list_all(2, anomaly="S8"),
        ),
    )


def _by_id(op: Operation, material: Material, number: int) -> Plan:
    """User 1 goes by the id of a memory that the same user stored elsewhere in the axis (0)."""
    axis = axis_of(material, number).name
    foreign = {"fact": 4, "replaces": 2} if op is Operation.UPDATE else {"fact": 2}
    return Plan(
        name=f"axis-{number}-{op}",
        anomaly="S7",
        relation=f"{axis}-by-id",
        axes=material.axes,
        users=(
            here(material, axis),
            elsewhere(material, axis),
        ),
        # User 0 has more facts, so that the last id is foreign even if each place numbers its own memories.
        facts=facts_of(material, (0, 0, 0, 1, 1)),
        needs=(op.value,),
        steps=(
            *(add(0, fact) for fact in (0, 1, 2)),
            add(1, 3),
            settle(0, 2, control=True),
            settle(1, 3, control=True),
            Step(op=op, user=1, anomaly="S7", **foreign),
            list_all(0, anomaly="S7"),
            list_all(1, anomaly="S7"),
        ),
    )


def _surface(op: Operation, material: Material, number: int) -> Plan:
    """User 1 looks at one more surface; nothing of the same user elsewhere in the axis (0) may be there."""
    axis = axis_of(material, number).name
    return Plan(
        name=f"axis-{number}-{op}",
        anomaly="S7",
        relation=axis,
        axes=material.axes,
        users=(
            here(material, axis),
            elsewhere(material, axis),
        ),
        facts=facts_of(material, (0, 1)),
        needs=(op.value,),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, control=True),
            settle(1, control=True),
            list_all(1, anomaly="S7"),
            Step(op=op, user=1, anomaly="S7"),
        ),
    )


def _cells(name: str, anomaly: str, build: Build, needs: tuple[str, ...] = (), **more: Any) -> list[Cell]:
    """A cell for each axis that a target may have beside the user. more: of `Cell`."""
    return [
        Cell(
            id=f"{anomaly}-axis-{number}-{name}",
            anomaly=anomaly,
            build=partial(_numbered, build, number),
            needs=(axis_need(number), *needs),
            also=_BROAD,
            **more,
        )
        for number in range(1, MOST_AXES + 1)
    ]


def _numbered(build: Build, number: int, material: Material) -> Plan:
    return build(material, number)


TWO_CELLS = [*_cells("two-scopes", "S7", _two_scopes), *_cells("delete_all", "S7", _delete_in_one)]
RELATED_CELLS = [
    cell
    for relation in RELATIONS
    if not relation.hostile and relation.a_type == relation.b_type == "str"
    for cell in _cells(
        relation.name, "S7", partial(_related, relation), quick=relation.quick, relation=relation.name
    )
]
JOINED_CELLS = [
    cell
    for name, separator in JOINING.items()
    for cell in _cells(f"joined-{name}", "S9", partial(_joined, separator), quick=name in ("slash", "colon"))
]
OMITTED_CELLS = [
    *_cells("read-omitted", "S8", _given_then_omitted),
    *_cells("write-omitted", "S8", _omitted_then_given),
    *_cells("delete-omitted", "S8", _delete_without),
]
BY_ID_CELLS = [
    cell for op in sorted(BY_ID) for cell in _cells(op.value, "S7", partial(_by_id, op), needs=(op.value,))
]
SURFACE_CELLS = [
    cell
    for op in (Operation.COUNT, Operation.EXPORT, Operation.PAGE)
    for cell in _cells(op.value, "S7", partial(_surface, op), needs=(op.value,))
]
