"""Where Chroma keeps a user's memories: in a shared collection, their own collection, or their own tenant."""

from __future__ import annotations

import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from isolation_tests.adapter import Unavailable
from isolation_tests.adapters.resources import running

__all__ = ["SHELVES", "Shelves", "close", "served"]

_NAME = "memories"
_START_SECONDS = 60.0


def close(client: Any) -> None:
    """Close a client; chromadb before 1.3 has no way to close it."""
    if hasattr(client, "close"):
        client.close()


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Start `chroma run` on the folder, yield its port on 127.0.0.1, and stop it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    script = Path(sysconfig.get_path("scripts")) / "chroma"
    command = [
        sys.executable,
        str(script),
        "run",
        "--path",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    # It logs several lines per call. Nobody reads them, and a full pipe would block it.
    with running(command) as process:
        _wait_for(process, port)
        yield port


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise Unavailable("chroma run did not start on 127.0.0.1; run it by hand to see what it says.")


class Shelves(Protocol):
    """Finds the collection that holds a user's memories; it may hold other users' too."""

    def find(self, user: Any) -> Any | None:
        """Return the user's collection; None if there is none, because reading must not create it."""

    def make(self, user: Any) -> Any:
        """Return the user's collection; create it if it does not exist."""

    def drop(self, user: Any) -> None:
        """Delete the user's collection with its content."""


class _OneForAll:
    def __init__(self, _chromadb: Any, client: Any, _folder: Path) -> None:
        self._collection = client.get_or_create_collection(_NAME, embedding_function=None)

    def find(self, user: Any) -> Any | None:  # noqa: ARG002
        return self._collection

    def make(self, user: Any) -> Any:  # noqa: ARG002
        return self._collection

    def drop(self, user: Any) -> None:
        raise NotImplementedError


class _OneEach:
    def __init__(self, chromadb: Any, client: Any, _folder: Path) -> None:
        self._client = client
        self._missing = chromadb.errors.NotFoundError

    def find(self, user: Any) -> Any | None:
        try:
            return self._client.get_collection(user, embedding_function=None)
        except self._missing:
            return None

    def make(self, user: Any) -> Any:
        return self._client.get_or_create_collection(user, embedding_function=None)

    def drop(self, user: Any) -> None:
        if self.find(user) is not None:
            self._client.delete_collection(user)


class _TenantEach:
    """A tenant with a database for each user, and a new client for each call."""

    def __init__(self, chromadb: Any, _client: Any, folder: Path) -> None:
        self._chromadb = chromadb
        self._folder = folder
        self._missing = chromadb.errors.NotFoundError
        self._admin = chromadb.AdminClient(self._settings())

    def find(self, user: Any) -> Any | None:
        try:
            client = self._client_of(user)
            return client.get_collection(_NAME, embedding_function=None)
        except self._missing:
            return None

    def make(self, user: Any) -> Any:
        self._have(self._admin.get_tenant, self._admin.create_tenant, user)
        self._have(self._admin.get_database, self._admin.create_database, _NAME, tenant=user)
        return self._client_of(user).get_or_create_collection(_NAME, embedding_function=None)

    def drop(self, user: Any) -> None:
        if self.find(user) is not None:
            self._admin.delete_database(_NAME, tenant=user)

    def _have(self, look: Callable[..., Any], create: Callable[..., Any], *names: Any, **more: Any) -> None:
        try:
            look(*names, **more)
        except self._missing:
            create(*names, **more)

    def _client_of(self, user: Any) -> Any:
        return self._chromadb.PersistentClient(
            path=self._folder, settings=self._settings(), tenant=user, database=_NAME
        )

    def _settings(self) -> Any:
        # Chroma keeps one engine per folder, and all of its clients must have equal settings.
        return self._chromadb.config.Settings(
            anonymized_telemetry=False, is_persistent=True, persist_directory=str(self._folder)
        )


SHELVES: Mapping[str, Callable[[Any, Any, Path], Shelves]] = {
    "filter": _OneForAll,
    "collections": _OneEach,
    "tenants": _TenantEach,
}
