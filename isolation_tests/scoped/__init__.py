"""ScopedMemory: a memory system whose user is fixed at construction, so that no call can name another user.

Create the wrapper once per request, with the user of the session, and pass it on in place of the store. It
ensures that

- every call carries the user, under a name (`storage_name`) that no store can confuse with another user's:
  all names have one length and one lower-case alphabet, and only a collision of SHA-256 could make two equal;
- a by-id call reaches only the user's own memories, and a foreign id gets the same answer as an absent one;
- filters only narrow, and neither filters nor metadata name an owner;
- with a `scope` (tenant, agent, session), that name stands for user and scope together: two scopes share
  nothing, whatever the store makes of its own axes; no axis that the store declares can be left out;
- a caller's `key` belongs to the user;
- an answer with a row that names another owner is withheld.

The wrapper sees only the store's answers, so it can't fix: a store that ignores the user and returns rows
without an owner; a delete that deletes too much; texts that the store mixes itself, such as summaries, shared
entities and error messages; response times; totals that the store counts (`count` counts the user's own rows
instead); and changes in the store between the check of an id's owner and the call. It has no export, pages,
list of users or maintenance, because the store decides what a cursor or a maintenance job reaches.

Memories that were stored without the wrapper have the users' plain names. Move them to
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
