"""Shared by the LangGraph and LangMem adapters: stores, namespaces, and the meaning of a store's errors."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Refused, Unavailable
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import Errors, need, postgres, scratch

__all__ = [
    "SCANS",
    "STORES",
    "Namespace",
    "Opened",
    "answered",
    "memory_of",
    "open_async_store",
    "open_store",
    "value_of",
]

STORES = ("memory", "sqlite", "postgres")
SCANS = ("off", "strict_order", "relaxed_order")
_USER = "{user}"
_EXTRAS = {"memory": "langgraph", "sqlite": "langgraph", "postgres": "langgraph-postgres"}
_MODULES = {
    "memory": "langgraph.store.memory",
    "sqlite": "langgraph.store.sqlite",
    "postgres": "langgraph.store.postgres",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store. refused, unknown: its driver's errors that mean a refusal or an unknown outcome."""

    store: Any
    refused: Errors = ()
    unknown: Errors = (TimeoutError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A user's namespace: labels joined by dots, one of them `{user}`."""

    labels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Namespace:
        """Read a text such as "memories.{user}"; raise `BadOption` unless it has exactly one `{user}`."""
        labels = tuple(text.split("."))
        if labels.count(_USER) != 1:
            raise BadOption(
                f"namespace is {text!r}; write labels joined by dots, exactly one of them {_USER}, such as "
                f"memories.{_USER} or {_USER}.memories."
            )
        return cls(labels)

    def of(self, user: Any) -> tuple[Any, ...]:
        """The namespace of one user, with the user passed unchanged."""
        return tuple(user if label == _USER else label for label in self.labels)


@contextmanager
def open_store(kind: str, *, scan: str = "off", dsn: str | None = None) -> Iterator[Opened]:
    """Open one of `STORES` for blocking calls, and remove it afterwards.

    scan: one of `SCANS`, pgvector's hnsw.iterative_scan on Postgres. dsn: your own Postgres; without it, a
    Postgres is started for the run.
    """
    module = _module(kind, scan)
    if kind == "memory":
        yield Opened(module.InMemoryStore(index=_index(_embed)))
        return
    with scratch("lg") as folder:
        if kind == "sqlite":
            with closing(_connect(folder)) as connection:
                store = module.SqliteStore(connection, index=_index(_embed))
                store.setup()
                yield Opened(store)
            return
        with (
            _postgres(folder, dsn, scan) as address,
            module.PostgresStore.from_conn_string(address, index=_index(_embed)) as store,
        ):
            store.setup()
            yield _on_postgres(store)


@asynccontextmanager
async def open_async_store(kind: str, *, scan: str = "off", dsn: str | None = None) -> AsyncIterator[Opened]:
    """Open one of `STORES` for async calls; otherwise like `open_store`."""
    module = _module(kind, scan, ".aio")
    if kind == "memory":
        yield Opened(module.InMemoryStore(index=_index(_embed_later)))
        return
    with scratch("lg") as folder:
        if kind == "sqlite":
            connecting = need("aiosqlite", _EXTRAS[kind]).Connection(partial(_connect, folder), 64)
            async with connecting as connection:
                store = module.AsyncSqliteStore(connection, index=_index(_embed_later))
                await store.setup()
                yield Opened(store)
            return
        with _postgres(folder, dsn, scan) as address:
            opening = module.AsyncPostgresStore.from_conn_string(address, index=_index(_embed_later))
            async with opening as store:
                await store.setup()
                yield _on_postgres(store)


def _module(kind: str, scan: str, part: str = "") -> Any:
    for option, value, choices in (("store", kind, STORES), ("scan", scan, SCANS)):
        if value not in choices:
            raise BadOption(f"{option} is {value!r}; choose one of {', '.join(choices)}.")
    return need(_MODULES[kind] + (part if kind != "memory" else ""), _EXTRAS[kind])


def _connect(folder: Path) -> sqlite3.Connection:
    """Connect like the store's own `from_conn_string`, with a driver that can load its vector index."""
    driver: Any = sqlite3
    if not hasattr(sqlite3.Connection, "enable_load_extension"):
        try:
            driver = import_module("pysqlite3")
        except ModuleNotFoundError as error:
            raise Unavailable(
                "LangGraph's vector index on SQLite needs a sqlite3 that loads extensions, but this Python's "
                "does not; install one with: pip install pysqlite3-binary"
            ) from error
    connection: sqlite3.Connection = driver.connect(
        str(folder / "store.db"), check_same_thread=False, isolation_level=None
    )
    return connection


@contextmanager
def _postgres(folder: Path, dsn: str | None, scan: str) -> Iterator[str]:
    conninfo = need("psycopg", _EXTRAS["postgres"]).conninfo
    with postgres(folder, dsn or None, _EXTRAS["postgres"]) as address:
        options = f"{conninfo.conninfo_to_dict(address).get('options', '')} -c hnsw.iterative_scan={scan}"
        yield conninfo.make_conninfo(address, options=options)


def _index(embed_texts: Callable[[Sequence[str]], Any]) -> dict[str, Any]:
    return {"dims": DIMENSIONS, "embed": embed_texts, "fields": ["text"]}


def _embed(texts: Sequence[str]) -> list[list[float]]:
    return [embed(text) for text in texts]


async def _embed_later(texts: Sequence[str]) -> list[list[float]]:
    return _embed(texts)


def _on_postgres(store: Any) -> Opened:
    psycopg = need("psycopg", _EXTRAS["postgres"])
    unknown = (TimeoutError, ConnectionError, psycopg.OperationalError, psycopg.InterfaceError)
    return Opened(store, refused=(psycopg.DataError,), unknown=unknown)


@contextmanager
def answered(opened: Opened) -> Iterator[None]:
    """Turn a store's errors into `Refused` and `Indeterminate`; other errors pass unchanged."""
    try:
        yield
    except opened.unknown as error:
        raise Indeterminate(str(error)) from error
    except opened.refused as error:
        raise Refused(str(error)) from error
    except ValueError as error:
        if not _validated(error):
            raise
        raise Refused(str(error)) from error


def _validated(error: ValueError) -> bool:
    """Whether the store itself rejected an argument, rather than passing on another error."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("langgraph.store.") and error.__cause__ is None


def value_of(text: str, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The stored value of a memory: the text, with the metadata as further keys."""
    return {**(metadata or {}), "text": text}


def memory_of(item: Any) -> Memory:
    """One item of a store as a memory; `raw` is the whole item."""
    return Memory(item.key, item.value["text"], item.dict())
