"""Whatever a service, an MCP server or a bridge answers: a declared error at most, in bounded time."""

from __future__ import annotations

import contextlib
import gzip
import time
import zlib
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.adapters.described.bodies import MOST_BYTES, Late, gathered, parsed, shallow
from isolation_tests.adapters.described.http_client import Client
from isolation_tests.adapters.described.http_options import HttpOptions, Mapped
from isolation_tests.adapters.described.http_options import mapped as http_mapped
from isolation_tests.adapters.described.http_paging import memories, pages
from isolation_tests.adapters.described.mapping import Mismatch, OutOfBounds, cut, described
from isolation_tests.adapters.described.mcp_options import Tool, document, refusal
from isolation_tests.adapters.process.protocol import (
    BridgeError,
    answered,
    identified,
    line_of,
    read_hello,
)
from meta_tests.mutations import JSON, changed, contained, damaged, fuzz, written

pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("jmespath", reason="jmespath is not installed")

DECLARED = (Refused, Indeterminate, Mismatch)
LIST = {
    "items": [{"id": "7", "text": "a fact", "meta": {"user": "u"}}, {"id": 8, "text": "another"}],
    "next": "c1",
    "total": 2,
}
SCHEMA = {"properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
STRUCTURED = changed(LIST) | JSON
SCHEMAS = changed(SCHEMA).filter(lambda schema: isinstance(schema, dict))
HELLO = {"hello": {"protocol": 1, "name": "b", "version": "1", "capabilities": ["get"], "axes": ["user"]}}
ANSWERS: dict[str, Any] = {
    "search": {"id": 1, "memories": [{"id": "7", "text": "a fact", "raw": {"a": [1]}}]},
    "get": {"id": 1, "memory": {"id": None, "text": "a fact"}},
    "delete_all": {"id": 1, "nothing": True},
    "page": {"id": 1, "page": {"items": [{"id": "7", "text": "a"}], "cursor": "c"}},
    "count": {"id": 1, "number": 3},
    "users": {"id": 1, "users": ["a", 1, None]},
    "echo": {"id": 1, "value": {"a": 1.5}},
    "add": {"id": 1, "refused": "no", "data": {"a": 1}},
}


def described_service(**paging: Any) -> Mapped:
    call = {"method": "GET", "path": "/m", "query": {"user": "{user}", "after": "{cursor}"}}
    plain = {"method": "POST", "path": "/m", "json": {"user": "{user}", "text": "{text}"}}
    options = {
        "base_url": "http://127.0.0.1:9",
        "answer": {"items": "items"},
        "add": plain,
        "search": {**plain, "json": {"user": "{user}", "query": "{query}", "limit": "{limit}"}},
        "get_all": {**call, "paging": paging},
        "delete_all": {"method": "DELETE", "path": "/m", "query": {"user": "{user}"}},
    }
    return http_mapped(HttpOptions.model_validate(options))


CURSOR = described_service(kind="cursor", next="next")
LINK = described_service(kind="link", next="next")
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503, 599])
KINDS = st.sampled_from(
    ["application/json", "text/html; charset=utf-16", "x; charset=bz2", "x; charset=hex", "x; charset=\0", ""]
)
PACKED = gzip.compress(b'{"items": []}' * 50)
BODIES = (
    changed(LIST).map(lambda value: written(value).encode())
    | JSON.map(lambda value: written(value).encode())
    | damaged(written(LIST).encode())
    | st.binary(max_size=50)
)


@fuzz(60)
@given(body=BODIES, status=STATUSES, kind=KINDS, packed=st.booleans(), link=st.text(max_size=30))
def test_answers_of_a_service(
    tmp_path: Path, body: bytes, status: int, kind: str, link: str, *, packed: bool
) -> None:
    import httpx

    sent, encoding = (gzip.compress(body), "gzip") if packed else (body, "")
    headers = [(b"content-type", kind.encode()), (b"link", f'<{link}>; rel="next"'.encode())]

    def reply() -> httpx.Response:
        content = gathered([sent], encoding, time.monotonic() + 60)
        asked = httpx.Request("GET", "http://127.0.0.1:9/m")
        return httpx.Response(status, headers=headers, content=content, request=asked)

    for mapped in (CURSOR, LINK):
        call = mapped.calls["get_all"]
        client = Client.__new__(Client)
        client._mapped = mapped
        with contained(tmp_path), contextlib.suppress(*DECLARED):
            response = client.meaning(call, reply())
            cut(memories(call, response), 1)
            for _ in pages(call, lambda _: reply()):
                pass


@fuzz(40)
@given(
    packed=damaged(gzip.compress(b'{"items": []}' * 50)),
    encoding=st.sampled_from(["gzip", "GZIP", "br", "identity"]),
)
def test_packed_answers(packed: bytes, encoding: str) -> None:
    with contextlib.suppress(OutOfBounds):
        assert len(gathered([packed[:7], packed[7:]], encoding, time.monotonic() + 10)) <= MOST_BYTES


def test_a_packed_answer_that_never_becomes_anything_ends() -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    head = packer.compress(b"") + packer.flush(zlib.Z_SYNC_FLUSH)
    endless = chain([head], repeat(b"\x00\x00\x00\xff\xff" * 200_000))
    with pytest.raises(OutOfBounds, match="larger than 16 MB"):
        gathered(endless, "gzip", time.monotonic() + 10)


def test_a_bomb_within_a_bomb_is_not_unpacked() -> None:
    def chunks() -> Iterator[bytes]:
        packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        while True:
            yield packing.compress(b"\0" * 1_000_000)

    with pytest.raises(OutOfBounds, match="larger than 16 MB"):
        gathered(chunks(), "gzip", time.monotonic() + 60)
    with pytest.raises(Late):
        gathered(iter(lambda: b"", None), "", time.monotonic() + 0.01)


@fuzz(60)
@given(
    texts=st.lists(BODIES, max_size=3), structured=changed(LIST) | JSON, lines=st.booleans(), schema=SCHEMAS
)
def test_answers_of_an_mcp_server(
    tmp_path: Path, texts: list[bytes], structured: Any, schema: Any, *, lines: bool
) -> None:
    call = CURSOR.calls["search"]
    with contained(tmp_path):
        with contextlib.suppress(*DECLARED):
            said = [text.decode("utf-8", "replace") for text in texts]
            answer = document(structured if isinstance(structured, dict) else None, said, lines=lines)
            described(shallow(answer))
            refusal(answer, call.reader.items)
            cut(call.reader.memories(answer), 1)
        assert Tool.described("t", schema).name == "t"


@fuzz(60)
@given(data=st.data(), operation=st.sampled_from([*ANSWERS]))
def test_lines_of_a_bridge(tmp_path: Path, data: st.DataObject, operation: str) -> None:
    sample = ANSWERS[operation]
    parts = changed(sample).map(lambda value: written(value).encode()) | damaged(written(sample).encode())
    raw = data.draw(parts | JSON.map(lambda value: written(value).encode()))
    with contained(tmp_path), contextlib.suppress(BridgeError, Refused, Indeterminate, NotImplementedError):
        said = line_of(raw)
        identified(said)
        answered(operation, said)


@fuzz(40)
@given(data=st.data())
def test_the_hello_of_a_bridge(tmp_path: Path, data: st.DataObject) -> None:
    parts = changed(HELLO).map(lambda value: written(value).encode()) | damaged(written(HELLO).encode())
    raw = data.draw(parts)
    with contained(tmp_path), contextlib.suppress(BridgeError):
        read_hello(line_of(raw, quote=True))


@pytest.mark.parametrize("text", ['"' + '\\"' * 4_000_000 + "[" * 200, "[" * 2_000_000, '{"a":' * 500_000])
def test_no_answer_takes_long_to_refuse(text: str) -> None:
    began = time.monotonic()
    with pytest.raises((OutOfBounds, ValueError), match=r".*"):
        parsed(text)
    with pytest.raises(BridgeError):
        line_of(text.encode())
    assert time.monotonic() - began < 15


def test_the_charset_of_an_answer_unpacks_nothing() -> None:
    """A service chooses the charset, and Python has codecs that unpack."""
    import bz2

    import httpx

    bomb = bz2.compress(b"\0" * 50_000_000)
    client = Client.__new__(Client)
    client._mapped = CURSOR
    response = httpx.Response(500, headers={"content-type": "text/plain; charset=bz2"}, content=bomb)
    with pytest.raises(Indeterminate) as told:
        client.meaning(CURSOR.calls["get_all"], response)
    assert len(str(told.value)) < 10_000
