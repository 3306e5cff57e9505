"""Ids, keys and cursors: another user's id, key or cursor opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isolation_tests.model import Operation, Plan, Step, UserSpec
from isolation_tests.plans.cells import (
    BULK,
    Cell,
    Material,
    add,
    bulk_plan,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)


def _by_id(op: Operation, anomaly: str) -> Callable[[Material], Plan]:
    def build(material: Material) -> Plan:
        # User 0 has more facts, so that the last id is foreign even if each user's ids are numbered.
        facts = facts_of(material, (0, 0, 0, 1, 1))
        foreign: dict[str, Any] = {"fact": 4, "replaces": 2} if op is Operation.UPDATE else {"fact": 2}
        return Plan(
            name=f"by-id-{op}",
            anomaly=anomaly,
            users=(ordinary(0), ordinary(1)),
            facts=facts,
            needs=(op.value,),
            steps=(
                *(add(0, fact) for fact in (0, 1, 2)),
                add(1, 3),
                settle(0, 2, control=True),
                settle(1, 3, control=True),
                # Two absent ids show whether the error texts differ from call to call anyway.
                Step(op=op, user=1, absent=True, **foreign),
                Step(op=op, user=1, absent=True, **foreign),
                Step(op=op, user=1, **foreign),
                list_all(0, anomaly=anomaly),
                list_all(1, anomaly="S1"),
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
        facts=facts_of(material, (0, 1, *(1 for _ in keys))),
        needs=("metadata",),
        steps=(
            add(0, 0),
            add(1, 1),
            settle(0, control=True),
            settle(1, control=True),
            search(0, query=material.people.neutral_query(), anomaly="S1", control=True),
            *(add(1, 2 + i, metadata={key: "@0"}) for i, key in enumerate(keys)),
            settle(1, anomaly="O5"),
            list_all(0, anomaly="O5"),
            search(0, 2, anomaly="O5"),
        ),
    )


def _rebind_by_update(material: Material) -> Plan:
    keys = material.owner_keys
    count = len(keys)
    return Plan(
        name="rebind-update",
        anomaly="O5",
        users=(ordinary(0), ordinary(1)),
        facts=facts_of(material, (0, *(1 for _ in range(2 * count)))),
        needs=("update", "update_metadata"),
        steps=(
            add(0, 0),
            *(add(1, 1 + i) for i in range(count)),
            settle(0, control=True),
            settle(1, control=True),
            *(
                Step(op=Operation.UPDATE, user=1, fact=1 + count + i, replaces=1 + i, metadata={key: "@0"})
                for i, key in enumerate(keys)
            ),
            settle(1, anomaly="O5"),
            list_all(0, anomaly="O5"),
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
        facts=facts_of(material, (0, 1, 0, 1)),
        needs=("key",),
        steps=(
            add(0, 2),
            add(1, 3),
            settle(0, control=True),
            settle(1, control=True),
            add(0, 0, key="profile-{base}"),
            settle(0, anomaly="O6"),
            add(1, 1, key="profile-{base}"),
            settle(1, anomaly="O6"),
            list_all(0, anomaly="O6"),
            list_all(1, anomaly="O6"),
        ),
    )


JOINING = {"colon": ":", "slash": "/", "dash": "-", "underscore": "_", "dot": ".", "bar": "|"}
"""Separators that systems use to join a user and a key."""


def _joined_key(separator: str) -> Callable[[Material], Plan]:
    """User 0 has the key "x:p"; user 1, whose name is user 0's name plus ":x", has "p"."""

    def build(material: Material) -> Plan:
        return Plan(
            name="joined-key",
            anomaly="A5",
            users=(ordinary(0), UserSpec(template=f"{{base}}{separator}x", group=0)),
            facts=facts_of(material, (0, 1, 0, 1)),
            needs=("key",),
            steps=(
                add(0, 2),
                add(1, 3),
                settle(0, control=True),
                settle(1, control=True),
                add(0, 0, key=f"x{separator}profile-{{base}}"),
                settle(0, anomaly="A5"),
                add(1, 1, key="profile-{base}"),
                settle(1, anomaly="A5"),
                list_all(0, anomaly="A5"),
                list_all(1, anomaly="A5"),
            ),
        )

    return build


KEY_CELLS = [
    Cell("O6-same-key", "O6", _same_key, needs=("key",)),
    *(
        Cell(f"A5-joined-{name}", "A5", _joined_key(separator), quick=name == "colon", needs=("key",))
        for name, separator in JOINING.items()
    ),
]


def _replayed_cursor(material: Material) -> Plan:
    """The cursor opens nothing for another user: at first, after its owner's write, and after the delete."""
    first = BULK + 2
    turn = Step(op=Operation.PAGE, user=0)
    replay = Step(op=Operation.PAGE, user=1, cursor=first, anomaly="O7")
    written = (turn, replay, add(0, 0), replay)
    return bulk_plan(material, "O7", (*written, delete_all(0), settle(0), replay), needs=("page",))


HANDLE_CELLS = [Cell("O7-cursor", "O7", _replayed_cursor, needs=("page",))]
