"""mem0 open source with `infer=True`: an LLM with an OpenAI-compatible API rewrites what is stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from isolation_tests.adapters.mem0 import Mem0
from isolation_tests.adapters.resources import local_server
from isolation_tests.adapters.support.mem0_parts import close_memory, create_memory, opened_store
from isolation_tests.core import packaged

__all__ = ["open_memory"]

# Variables that would send mem0's client to another address than the given one.
_ELSEWHERE = ("OPENROUTER_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@contextmanager
def open_memory(
    *,
    vector_store: str = "qdrant",
    dsn: str | None = None,
    llm_url: str | None = None,
    model: str = "stand-in",
) -> Iterator[Mem0]:
    """Open mem0 with `infer=True` in a temporary folder, and remove the folder afterwards.

    llm_url: an OpenAI-compatible address. It receives every text that is written, with the key from the
    environment variable OPENAI_API_KEY. Without it, a stand-in is started that rewrites texts by rules. The
    other options and errors are those of `isolation_tests.adapters.mem0.open_memory`.
    """
    with ExitStack() as opened:
        mem0, store = opened.enter_context(opened_store(vector_store, dsn))
        url = (
            llm_url
            or f"{opened.enter_context(local_server(packaged.folder('staging') / 'openai_stub.py'))}/v1"
        )
        config = {"model": model, "openai_base_url": url, "temperature": 0.0}
        if not llm_url:
            config["api_key"] = "none"
        with _nowhere_else():
            memory = create_memory(
                mem0, vector_store, store.config, llm={"provider": "openai", "config": config}
            )
        opened.callback(close_memory, memory)
        invalid: Any = mem0.exceptions.ValidationError
        yield Mem0(memory, store, invalid, infer=True, unknown=(mem0.exceptions.LLMError,))


@contextmanager
def _nowhere_else() -> Iterator[None]:
    with patch.dict(os.environ):
        for name in _ELSEWHERE:
            os.environ.pop(name, None)
            os.environ.pop(name.lower(), None)
        yield
