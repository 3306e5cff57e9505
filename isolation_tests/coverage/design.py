"""A covering design: few calls in which every pair of values occurs, or every three of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from covertable import make

from isolation_tests.coverage.calls import Call

_DIMENSIONS = Call._fields[:4]


@cache
def covering(calls: Sequence[Call], ways: int) -> tuple[Call, ...]:
    """Some of these calls, in which each `ways` values occur together that do so in any of them.

    The same calls give the same design.
    """
    known = {call[:4] for call in calls}
    factors = {
        name: list(dict.fromkeys(call[place] for call in calls)) for place, name in enumerate(_DIMENSIONS)
    }
    rows = make(
        factors,
        strength=min(ways, len(_DIMENSIONS)),
        constraints=[
            {
                "operator": "fn",
                "requires": list(_DIMENSIONS),
                "evaluate": lambda row: tuple(row[name] for name in _DIMENSIONS) in known,
            }
        ],
    )
    return tuple(Call(*(row[name] for name in _DIMENSIONS)) for row in rows)
