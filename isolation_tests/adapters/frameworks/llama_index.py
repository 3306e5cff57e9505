"""LlamaIndex's vector memory block over embedded Qdrant: the session's id, in the metadata, is the user."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError

from isolation_tests.adapter import BadOption, Memory, Refused
from isolation_tests.adapters.embedding import DIMENSIONS, embed
from isolation_tests.adapters.resources import need

__all__ = ["LlamaIndex", "open_memory"]

EXTRA = "llama-index"
_BLOCKS = ("per-session", "shared")
_COLLECTION = "memories"
_MOST_FOUND = 100
_MESSAGE = re.compile(r"<message role='user'>(.*?)</message>", re.DOTALL)


@asynccontextmanager
async def open_memory(*, block: str = "per-session") -> AsyncIterator[LlamaIndex]:
    """Open an empty store.

    block: "per-session" makes a memory block for each call, as an application that opens a session does;
    "shared" uses one for all sessions. Raises `BadOption` for another one.
    """
    if block not in _BLOCKS:
        raise BadOption(f"block can't be {block!r}; write {' or '.join(_BLOCKS)}.")
    qdrant = need("qdrant_client", EXTRA)
    client = qdrant.AsyncQdrantClient(location=":memory:")
    vectors = qdrant.models.VectorParams(size=DIMENSIONS, distance=qdrant.models.Distance.COSINE)
    await client.create_collection(_COLLECTION, vectors_config=vectors)
    stores = need("llama_index.vector_stores.qdrant", EXTRA)
    try:
        yield LlamaIndex(stores.QdrantVectorStore(_COLLECTION, aclient=client), shared=block == "shared")
    finally:
        await client.close()


class LlamaIndex:
    """The block's own calls for writing and searching; the store's for listing and deleting."""

    def __init__(self, store: Any, *, shared: bool) -> None:
        self._store, self._types = store, need("llama_index.core.vector_stores.types", EXTRA)
        self._message = need("llama_index.core.llms", EXTRA).ChatMessage
        self._embedding = _embedding()
        self._shared = self._made() if shared else None

    async def add(self, user: Any, text: str) -> Sequence[Memory]:
        """Put one message into the session."""
        message = self._message(role="user", content=text)
        await _answered(self._block.aput([message], session_id=user))
        return [Memory(None, text, {"content": text})]

    async def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Return the messages in the text that the block gives for a prompt."""
        asked = [self._message(role="user", content=query)]
        told: str = await _answered(self._block.aget(asked, session_id=user))
        return [Memory(None, text) for text in _MESSAGE.findall(told)[:limit]]

    async def get_all(self, user: Any) -> Sequence[Memory]:
        """Return the session's nodes from the store, because a block lists nothing."""
        nodes = await _answered(self._store.aget_nodes(filters=self._filters(user)))
        return [_memory(node) for node in nodes]

    async def delete_all(self, user: Any) -> None:
        """Delete the session's nodes from the store, because a block deletes nothing."""
        await _answered(self._store.adelete_nodes(filters=self._filters(user)))

    @property
    def _block(self) -> Any:
        return self._shared or self._made()

    def _made(self) -> Any:
        blocks = need("llama_index.core.memory", EXTRA)
        return blocks.VectorMemoryBlock(
            vector_store=self._store, embed_model=self._embedding, similarity_top_k=_MOST_FOUND
        )

    def _filters(self, user: Any) -> Any:
        try:
            one = self._types.MetadataFilter(key="session_id", value=user)
        except ValidationError as error:
            refusal = str(error)
        else:
            return self._types.MetadataFilters(filters=[one])
        raise Refused(refusal)


async def _answered(call: Awaitable[Any]) -> Any:
    """The call's answer; raises `Refused` if the library's models take no such value."""
    try:
        return await call
    except ValidationError as error:
        refusal = str(error)
    raise Refused(refusal)


def _memory(node: Any) -> Memory:
    text = node.get_content()
    found = _MESSAGE.fullmatch(text)
    return Memory(node.node_id, found[1] if found else text, {"text": text, "metadata": node.metadata})


def _embedding() -> Any:
    """The suite's embedding in the library's form."""
    base: Any = need("llama_index.core.embeddings", EXTRA).BaseEmbedding

    class Embedding(base):  # type: ignore[misc]  # the library may be missing, so mypy knows no base
        """Words hashed into a vector: no model, no download."""

        def _get_text_embedding(self, text: str) -> list[float]:
            return embed(text)

        def _get_query_embedding(self, query: str) -> list[float]:
            return embed(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return embed(query)

    return Embedding()
