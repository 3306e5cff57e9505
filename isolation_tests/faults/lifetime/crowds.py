"""D1: there is room for so many users, and somebody pays for each one more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call, tag

ROOM = 400
"""More users than one plan has, and fewer than a run has."""


class Seats(Wrapper):
    """Keeps the users with the latest first write; who wrote first of all makes room for a new one."""

    def __init__(self, inner: Any) -> None:
        self._seats: dict[str, Any] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        self._seats.setdefault(tag(user), user)
        if len(self._seats) > ROOM:
            await call(self._inner.delete_all, self._seats.pop(next(iter(self._seats))))
        return rows


class Buckets(Wrapper):
    """Users share buckets in turn; reads look at the user, and who leaves takes the bucket along."""

    def __init__(self, inner: Any) -> None:
        self._users: dict[str, Any] = {}
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        rows: Sequence[Memory] = await call(self._inner.add, user, text, **keywords)
        self._users.setdefault(tag(user), user)
        return rows

    async def _on_delete_all(self, user: Any) -> Any:
        seats = list(self._users)
        if tag(user) not in self._users:
            return await call(self._inner.delete_all, user)
        for seat in range(seats.index(tag(user)) % ROOM, len(seats), ROOM):
            await call(self._inner.delete_all, self._users[seats[seat]])
        return None


FAULTS = (
    Fault(
        "D1-oldest-makes-room",
        "D1",
        "There is room for 400 users; the facts of the user who wrote first are dropped for one more.",
        Seats,
        like="hermes-webui#5357",
    ),
    Fault(
        "D1-bucket-comes-round",
        "D1",
        "Users share 400 buckets in turn, and a user's delete_all drops the whole bucket.",
        Buckets,
        like="wolverine#3686",
    ),
)
