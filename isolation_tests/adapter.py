"""The contract between this suite and a memory system: the only file an adapter's author reads.

An adapter is any object with the four methods of `MemoryAdapter`. No base class is needed. Every
method may be a plain function or an `async def`. Optional methods (`OptionalMethods`) are found by
their presence and tried before they are relied on.

The suite passes `user` exactly as drawn, hostile values included (None, "", 0, "*", a dict): do not
repair it in the adapter, hand it to your system the way your application does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CORE_METHODS",
    "INTRUSIONS",
    "OPTIONAL_METHODS",
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
    """The system said no: definite and safe. Nothing was read, written or deleted.

    Raise it for an invalid user, a missing memory or a denied access. Keep the system's own message:
    it is searched for other users' data.
    """


class Indeterminate(Exception):  # noqa: N818 - the field's word: an answer, not a fault
    """Nobody can know whether the call took effect: a time-out, a 5xx, a broken connection."""


class Unavailable(Exception):  # noqa: N818 - a state of the system
    """The system can't be used: it is down, or turns the credentials away. Raised by a factory.

    The text is one sentence that says what is the matter and what to do.
    """


class BadOption(Exception):  # noqa: N818 - the option is bad, not the program
    """An option of the target is wrong. Raised by a factory.

    The text is one sentence that begins with the option's name and says what to write instead.
    """


@dataclass(frozen=True, slots=True)
class Memory:
    """One remembered text as the system gave it.

    id: the system's own id, non-empty; None only where the system gives no ids at all.
    text: the text as the system returned it.
    raw: the system's own answer for this row; every field of it is searched for other users' data, so it
    must not hold the client or the store, through which everybody's data could be reached.
    """

    id: str | None
    text: str
    raw: object = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a user's memories, and the handle that fetches the next one (None at the end)."""

    items: Sequence[Memory]
    cursor: str | None = None


@runtime_checkable
class MemoryAdapter(Protocol):
    """The four methods every adapter has; they can't be waived.

    Raise `Refused` where the system says no and `Indeterminate` where the outcome is unknown. Anything
    else that is raised counts as the adapter's own error: never as a pass, never as a violation.
    """

    def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Store `text` for `user` and return what was stored, with ids where the system gives them.

        It must not store the text for anybody else, and must not rewrite the user.
        Optional keywords, offered by having them in the signature: `metadata` (a mapping kept beside
        the text) and `key` (the caller's own id for the memory; the same key of the same user replaces).
        """

    def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Return at most `limit` of the user's memories, the best match first.

        Optional keyword: `filters`, a mapping of metadata keys to values that narrows the result. The
        suite may also pass `{"AND": [...]}`, `{"OR": [...]}` and `{"NOT": [...]}` around such mappings:
        raise `Refused` where the system has no such form.
        """

    def get_all(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's memories, however many: page to the end.

        Optional keyword: `filters`, as in `search`.
        """

    def delete_all(self, user: Any) -> None:
        """Delete all of the user's memories and nobody else's; return nothing."""


class OptionalMethods(Protocol):
    """What an adapter may offer besides; each method stands alone and is found by its presence.

    By-id calls take the user on whose behalf the call is made. A foreign id and an absent id must be
    answered alike: `Refused` for both, or None from `get` for both.
    """

    def get(self, user: Any, id: str) -> Memory | None:
        """Return one memory by its id; None or `Refused` where the user has no such memory."""

    def update(self, user: Any, id: str, text: str) -> None:
        """Replace the text of one memory of the user; `metadata=` is optional, as in `add`."""

    def delete(self, user: Any, id: str) -> None:
        """Delete one memory of the user."""

    def history(self, user: Any, id: str) -> Sequence[Memory]:
        """Return the recorded versions of one memory of the user, in any order."""

    def count(self, user: Any) -> int:
        """Return how many memories the user has."""

    def users(self) -> Sequence[Any]:
        """Return the users the system knows (an administrator's call: only used to look after a run)."""

    def export(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's data as the system's export gives it."""

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return one page of the user's memories; `cursor` is None for the first page."""

    def maintain(self, user: Any) -> None:
        """Run the maintenance the system offers for one user (rebuild, prune, compact, reset).

        It must keep everybody's memories, or at most drop this user's own.
        """

    def intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        """Let `user` try to read the memories of `victim` with a credential that must not allow it.

        how: one of `INTRUSIONS`. Return whatever came back; `Refused` where the system turned it away;
        NotImplementedError where the system has no such way in.
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
INTRUSIONS = {
    "missing-credential": "names the victim and shows no credential",
    "altered-credential": "shows the victim's credential, altered in its last part",
    "expired-credential": "shows a credential of the victim's that has run out",
    "victim-in-body": "shows the user's credential and names the victim in the body",
    "victim-in-query": "shows the user's credential and names the victim in the query string",
    "victim-in-header": "shows the user's credential and names the victim in a header",
}
"""The ways of `OptionalMethods.intrude`, each with what the intruder does."""
