"""Google ADK's InMemoryMemoryService: an application and a user have memories, the events of their sessions.

The service can only be searched: it neither lists nor deletes all. Its calls need both the application and
the user by signature, so a call that omits the application is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.resources import need

__all__ = ["AXES", "GoogleAdk", "open_memory"]

AXES = {"app": "refused", "user": "refused"}
EXTRA = "google-adk"
_UNFIT = (ValidationError, TypeError)
"""What Python and ADK's models raise for a call without an application, and for a name of another type."""


def open_memory() -> GoogleAdk:
    """Open an empty memory service; since 2.x, it deletes by id too."""
    service = need("google.adk.memory", EXTRA).InMemoryMemoryService()
    return Deleting(service) if hasattr(service, "delete_memory") else GoogleAdk(service)


class GoogleAdk:
    """The service's own calls; each text is the only event of a session of its own."""

    axes = AXES

    def __init__(self, service: Any) -> None:
        self._service = service
        self._content = need("google.genai.types", EXTRA).Content
        self._part = need("google.genai.types", EXTRA).Part
        self._event = need("google.adk.events", EXTRA).Event
        self._session = need("google.adk.sessions", EXTRA).Session

    async def add(self, user: Any, text: str, *, scope: Mapping[str, Any]) -> Sequence[Memory]:
        """Add a session with one event to the memory; the service answers nothing."""
        with _refusing():
            content = self._content(role="user", parts=[self._part(text=text)])
            event = self._event(author="user", content=content)
            session = self._session(id=uuid4().hex, user_id=user, events=[event], **_app(scope))
            await self._service.add_session_to_memory(session)
        return []

    async def search(
        self, user: Any, query: str, *, limit: int, scope: Mapping[str, Any]
    ) -> Sequence[Memory]:
        """Return the memories that share words with the query, at most ten since 2.x."""
        with _refusing():
            answer = await self._service.search_memory(user_id=user, query=query, **_app(scope))
        return [_memory(entry) for entry in answer.memories[:limit]]


class Deleting(GoogleAdk):
    """A release that deletes one memory by its id, on behalf of an application and a user."""

    async def delete(self, user: Any, id: str, *, scope: Mapping[str, Any]) -> None:
        """Delete one memory; the service answers nothing, whether or not there is one."""
        with _refusing():
            await self._service.delete_memory(user_id=user, memory_id=id, **_app(scope))


def _app(scope: Mapping[str, Any]) -> dict[str, Any]:
    return {"app_name": scope["app"]} if "app" in scope else {}


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except _UNFIT as error:
        refusal = str(error)
    else:
        return
    raise Refused(refusal)


def _memory(entry: Any) -> Memory:
    parts = entry.content.parts or []
    text = " ".join(part.text for part in parts if part.text)
    return Memory(getattr(entry, "id", None), text, entry.model_dump(mode="json"))
