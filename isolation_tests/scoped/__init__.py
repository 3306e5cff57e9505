"""ScopedMemory: any memory system with its user fixed at construction, so that no call can name another.

The wrapper is built once for each request, from the user of the session, and handed on in place of the
store. It sees to it that

- every call carries the user, under a name (`storage_name`) that no store can take for another user's: one
  length, one lower-case alphabet, injective but for a collision of SHA-256;
- a by-id call reaches the user's own memories only, and answers a foreign id as an absent one;
- filters only narrow, and neither filters nor metadata name an owner;
- a caller's `key` is the user's own;
- an answer with a row that says it is somebody else's is withheld.

What it can't mend, since it only sees what the store answers: a store that ignores the user and gives rows
that don't say whose they are; a delete that reaches further than it was asked to; texts that the store mixes
itself, as summaries, shared entities and its error messages; how long the store takes; totals that the store
itself counts (`count` counts the user's own rows instead); and what happens in the store between the look at
an id's owner and the call. It has no export, pages, list of users or maintenance: a cursor is the store's,
and so is what a maintenance job reaches.

Memories that were stored without the wrapper lie under the users' plain names: move them to
`storage_name(user_id)` first.
"""

from isolation_tests.scoped.errors import ForeignRowError, ScopeError, UnknownMemoryError
from isolation_tests.scoped.front import ScopedAdapter
from isolation_tests.scoped.memory import AsyncScopedMemory, ScopedMemory
from isolation_tests.scoped.naming import storage_name

__all__ = [
    "AsyncScopedMemory",
    "ForeignRowError",
    "ScopeError",
    "ScopedAdapter",
    "ScopedMemory",
    "UnknownMemoryError",
    "storage_name",
]
