"""The contract between this suite and a memory system: the only file that an adapter's author has to read.

An adapter is any object with the four methods of `MemoryAdapter`. It needs no base class. Each method is a
plain function or an `async def`. The suite finds optional methods (`OptionalMethods`) by their presence and
tries them before it relies on them.

The suite passes `user` unchanged, hostile values included (None, "", 0, "*", a dict). Do not repair the value
in the adapter: pass it to your system as your application does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CORE_METHODS",
    "INTRUSIONS",
    "OMITTED",
    "OPTIONAL_METHODS",
    "USER_AXIS",
    "BadOption",
    "Indeterminate",
    "Memory",
    "MemoryAdapter",
    "OptionalMethods",
    "Page",
    "Refused",
    "Unavailable",
]


class Refused(Exception):  # noqa: N818 - the field's word: an answer, not a fault
    """The system refused the call: nothing was read, written or deleted.

    Raise it for an invalid user, a missing memory or denied access. Keep the system's own message, because
    the suite searches it for other users' data.
    """


class Indeterminate(Exception):  # noqa: N818 - the field's word: an answer, not a fault
    """It is unknown whether the call took effect: a time-out, an HTTP 5xx, a broken connection."""


class Unavailable(Exception):  # noqa: N818 - a state of the system
    """The system can't be used: it is down, or it rejects the credentials. Raised by a factory.

    The text is one sentence that says what is wrong and what to do.
    """


class BadOption(Exception):  # noqa: N818 - the option is bad, not the program
    """An option of the target is wrong. Raised by a factory.

    The text is one sentence that begins with the name of the option and says what to write instead.
    """


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory as the system returned it.

    id: the system's own id, not empty; None only if the system gives no ids at all.
    text: the text as the system returned it.
    raw: the system's own answer for this row. The suite searches every field of it for other users' data, so
    it must not hold the client or the store, because those lead to all users' data.
    """

    id: str | None
    text: str
    raw: object = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a user's memories, and the cursor for the next page (None at the end)."""

    items: Sequence[Memory]
    cursor: str | None = None


@runtime_checkable
class MemoryAdapter(Protocol):
    """The four methods that an adapter has.

    A service that can only be searched may leave out `get_all` or `delete_all`, or raise NotImplementedError
    there. The suite then asks what is possible, and the target reaches no level.

    Raise `Refused` if the system refuses the call, and `Indeterminate` if the outcome is unknown. Any other
    exception counts as the adapter's own error, never as a pass or a violation.
    """

    def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Store `text` for `user` and return what was stored, with ids if the system gives them.

        The method must not store the text for another user, and must not change the user. The suite uses
        these optional keywords if the signature has them: `metadata` (a mapping that is stored with the text)
        and `key` (the caller's own id for the memory; the same key of the same user replaces the memory).
        """

    def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Return at most `limit` of the user's memories, the best match first.

        Optional keyword: `filters`, a mapping of metadata keys to values that narrows the result. The suite
        may also pass `{"AND": [...]}`, `{"OR": [...]}` and `{"NOT": [...]}` around such mappings. Raise
        `Refused` if the system has no such form.
        """

    def get_all(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's memories, from all pages.

        Optional keyword: `filters`, as in `search`.
        """

    def delete_all(self, user: Any) -> None:
        """Delete all of the user's memories and no other user's; return nothing."""


class OptionalMethods(Protocol):
    """Methods that an adapter can add. Each one is independent, and the suite finds it by its presence.

    By-id calls take the user on whose behalf the call is made. A foreign id and an absent id must get the
    same answer: `Refused` for both, or None from `get` for both.

    An adapter may also have an attribute `unasked`: the names of operations that the system has and the
    adapter never calls. A run says that nothing is known of them.

    A system may separate by more than the user. Its adapter has an attribute `axes`: a mapping from each
    axis, outer to inner and with "user" in its place, to one of `OMITTED`. Every method but `users` and
    `close` then has the keyword `scope`: a mapping from the other axes to their values. An axis that `scope`
    lacks is omitted: pass no value for it to the system.
    """

    def get(self, user: Any, id: str) -> Memory | None:
        """Return one memory by its id; None or `Refused` if the user has no such memory."""

    def update(self, user: Any, id: str, text: str) -> Memory | Sequence[Memory] | bool | None:
        """Replace the text of one of the user's memories; `metadata=` is optional, as in `add`.

        Return what the system returns: the memory, memories, whether it was found, or nothing. The suite
        searches it for other users' data.
        """

    def delete(self, user: Any, id: str) -> Memory | Sequence[Memory] | bool | None:
        """Delete one of the user's memories; return what the system returns, as in `update`."""

    def history(self, user: Any, id: str) -> Sequence[Memory]:
        """Return the recorded versions of one of the user's memories, in any order."""

    def count(self, user: Any) -> int:
        """Return how many memories the user has."""

    def users(self) -> Sequence[Any]:
        """Return the users that the system knows. It is an administrator's call, used only after a run."""

    def export(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's data as the system exports it."""

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return one page of the user's memories; `cursor` is None for the first page."""

    def maintain(self, user: Any) -> None:
        """Run the maintenance that the system offers for one user (rebuild, prune, compact, reset).

        It must keep all memories; at most, it may drop this user's own.
        """

    def intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        """Let `user` try to read the memories of `victim` with a credential that must not allow it.

        how: one of `INTRUSIONS`. Return what the system returns. Raise `Refused` if the system refuses, and
        NotImplementedError if the system has no such way in.
        """

    def close(self) -> None:
        """Release what the factory opened; called once at the end."""


Filters = Mapping[str, Any]
CORE_METHODS = ("add", "search", "get_all", "delete_all")
OPTIONAL_METHODS = (
    "get",
    "update",
    "delete",
    "history",
    "count",
    "users",
    "export",
    "page",
    "maintain",
    "intrude",
)
USER_AXIS = "user"
"""The axis that every system has; its value is the first argument of each call."""
OMITTED = {
    "refused": "the call is refused, or finds nothing",
    "none": "the call reaches only what was stored without the axis",
    "all": "the call reads and deletes whatever value of the axis was stored",
}
"""What a call means that omits an axis: the values of an adapter's `axes`."""
INTRUSIONS = {
    "missing-credential": "names the victim and sends no credential",
    "altered-credential": "sends the victim's credential with a change in its last part",
    "expired-credential": "sends an expired credential of the victim",
    "victim-in-body": "sends their own credential and names the victim in the body",
    "victim-in-query": "sends their own credential and names the victim in the query string",
    "victim-in-header": "sends their own credential and names the victim in a header",
}
"""The ways in for `OptionalMethods.intrude`, each with what the intruder does."""
