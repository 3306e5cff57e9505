"""The parts of a mem0 memory: a vector store for one run, an offline embedding, and no LLM or a local one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import Errors, need, postgres, scratch

__all__ = [
    "STORES",
    "Embedder",
    "NoLlm",
    "Store",
    "close_memory",
    "create_memory",
    "load_mem0",
    "opened_store",
]

_PROVIDER = "isolation_tests"
_DIMENSIONS = {"embedding_model_dims": DIMENSIONS}


class Embedder:
    """The suite's embedding with the interface of mem0's factory; `memory_action` has no effect."""

    def __init__(self, config: object) -> None:
        self.config = config

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002
        """Return the text's vector."""
        return embed(text)

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = None) -> list[list[float]]:  # noqa: ARG002
        """Return the vector of each text."""
        return [embed(text) for text in texts]


class NoLlm:
    """Takes the place of mem0's LLM, so that no key is needed and no text leaves the machine."""

    def __init__(self, config: object) -> None:
        self.config = config

    def generate_response(self, *_args: object, **_options: object) -> str:
        """Raise RuntimeError, because with `infer=False` mem0 must not call its LLM."""
        raise RuntimeError("mem0 called its LLM despite infer=False; this release is not supported.")


def load_mem0(folder: Path) -> Any:
    """Import mem0 without telemetry, with `folder` for the files that it writes at import; return the module.

    Raises ModuleNotFoundError without mem0, and RuntimeError if it was imported earlier with telemetry on.
    """
    with patch.dict(os.environ, MEM0_TELEMETRY="False", MEM0_DIR=str(folder)):
        mem0 = need("mem0", "mem0")
    # At every start, it warns about optional parts that this adapter does not use.
    logging.getLogger("mem0").setLevel(logging.ERROR)
    if mem0.memory.telemetry.MEM0_TELEMETRY:
        raise RuntimeError("mem0 was imported with telemetry on; start again with MEM0_TELEMETRY=False.")
    return mem0


def create_memory(
    mem0: Any,
    vector_store: str,
    config: Mapping[str, Any],
    *,
    kind: str = "Memory",
    llm: Mapping[str, Any] | None = None,
) -> Any:
    """Create mem0's `Memory` or `AsyncMemory`, with its history in memory and the suite's embedding.

    llm: the LLM as mem0 takes it; without it, there is none.
    """
    factory = mem0.utils.factory
    factory.EmbedderFactory.provider_to_class[_PROVIDER] = f"{__name__}.{Embedder.__name__}"
    factory.LlmFactory.register_provider(_PROVIDER, f"{__name__}.{NoLlm.__name__}")
    # mem0's settings accept only the providers that it ships, hence model_construct. Reusing one of their
    # names would change mem0 for the whole process.
    embedder = mem0.embeddings.configs.EmbedderConfig.model_construct(provider=_PROVIDER, config={})
    no_llm = mem0.llms.configs.LlmConfig.model_construct(provider=_PROVIDER, config={})
    # Not with `from_config`, because some releases of AsyncMemory have to await it.
    return getattr(mem0, kind)(
        mem0.configs.base.MemoryConfig(
            vector_store={"provider": vector_store, "config": dict(config)},
            embedder=embedder,
            llm=no_llm if llm is None else dict(llm),
            history_db_path=":memory:",
        )
    )


def close_memory(memory: Any) -> None:
    """Close what mem0 opened. mem0 itself closes only its history, and version 1.0 not even that."""
    stores = (memory.vector_store, getattr(memory, "_entity_store", None))
    clients = (getattr(store, name, None) for store in stores for name in ("client", "connection_pool"))
    for part in (memory, *clients):
        if hasattr(part, "close"):
            part.close()


@dataclass(frozen=True, slots=True)
class Store:
    """A vector store for mem0 to open.

    config: as mem0 takes it. refused: errors that mean a refusal. unknown: errors after which it is unknown
    whether the call took effect. threads: whether it serves several threads at once.
    """

    config: Mapping[str, Any]
    refused: Errors = ()
    unknown: Errors = ()
    threads: bool = True


@contextmanager
def _qdrant(folder: Path, _dsn: str | None) -> Iterator[Store]:
    yield Store({"path": str(folder / "qdrant"), **_DIMENSIONS}, threads=False)


@contextmanager
def _chroma(folder: Path, _dsn: str | None) -> Iterator[Store]:
    chromadb = need("chromadb", "mem0-chroma")
    yield Store({"path": str(folder / "chroma")}, refused=(chromadb.errors.InvalidArgumentError,))


@contextmanager
def _faiss(folder: Path, _dsn: str | None) -> Iterator[Store]:
    need("faiss", "mem0-faiss")
    yield Store({"path": str(folder / "faiss"), **_DIMENSIONS})


@contextmanager
def _pgvector(folder: Path, dsn: str | None) -> Iterator[Store]:
    psycopg = need("psycopg", "mem0-pgvector")
    need("psycopg_pool", "mem0-pgvector")
    with postgres(folder, dsn, "mem0-pgvector") as connection_string:
        yield Store(
            {"connection_string": connection_string, **_DIMENSIONS},
            refused=(psycopg.DataError,),
            unknown=(psycopg.OperationalError,),
        )


STORES: Mapping[str, Callable[[Path, str | None], AbstractContextManager[Store]]] = {
    "qdrant": _qdrant,
    "chroma": _chroma,
    "faiss": _faiss,
    "pgvector": _pgvector,
}


@contextmanager
def opened_store(vector_store: str, dsn: str | None) -> Iterator[tuple[Any, Store]]:
    """Yield mem0's module and a vector store in a temporary folder, which is removed afterwards.

    Raises ValueError for a store that is not in STORES.
    """
    if vector_store not in STORES:
        raise ValueError(f"vector_store is {vector_store!r}; choose one of {', '.join(STORES)}.")
    with scratch("mem0") as folder:
        mem0 = load_mem0(folder)
        with STORES[vector_store](folder, dsn or None) as store:
            yield mem0, store
