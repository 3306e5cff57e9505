"""S3 and S5 with sessions: a server whose session check accepts a wrong request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from isolation_tests.adapter import INTRUSIONS, Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call


class OpenDoor(Wrapper):
    """One way in is open: anyone who uses it reads the victim's memories."""

    def __init__(self, inner: Any, how: str) -> None:
        self._open = how
        super().__init__(inner)

    async def _on_intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        asking = (
            (self._inner.get_all, victim) if how == self._open else (self._inner.intrude, user, victim, how)
        )
        rows: Sequence[Memory] = await call(*asking)
        return rows


FAULTS = tuple(
    Fault(
        f"{'S5' if how.startswith('victim-in-') else 'S3'}-{how}",
        "S5" if how.startswith("victim-in-") else "S3",
        f"A caller who {doing} reads the victim's memories.",
        partial(OpenDoor, how=how),
        needs=("intrude",),
    )
    for how, doing in INTRUSIONS.items()
)
