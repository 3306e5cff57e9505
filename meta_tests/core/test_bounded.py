"""Files and JSON are bounded before they are read and parsed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isolation_tests.core.bounded import MOST_DEPTH, TooDeep, TooLong, is_deeper, parsed, read_file
from meta_tests.mutations import fuzz

VALUES = st.recursive(
    st.none() | st.text(st.sampled_from('[]{}"\\ab\u00fc\n')) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=15,
)


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth, parts), default=0)


@fuzz(200)
@given(value=VALUES, most=st.integers(0, 4), ascii_only=st.booleans())
@example(value=["\\", '\\"[', "]"], most=1, ascii_only=True)
def test_the_depth_is_told_without_parsing(value: Any, most: int, ascii_only: bool) -> None:  # noqa: FBT001
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert is_deeper(text, most) == is_deeper(text.encode(), most) == (depth(value) > most)


@pytest.mark.parametrize(
    "text",
    ["[" * 3_000_000, '"' + '\\"' * 3_000_000 + "[" * 200, '{"a":' * 600_000, '"' * 2_000_001 + "[" * 200],
    ids=["lists", "a text without end", "objects", "quotes"],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=r".*"):
        parsed(text)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 101 + "]" * 101, "more than 100 lists"),
        ("NaN", "NaN is no JSON"),
        ("[-Infinity]", "-Infinity is no JSON"),
        ("1e999", "too large"),
        ("9" * 5000, "limit"),
        (b"\xff\xfe", "decode"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_json_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parsed(text)


def test_a_name_that_stands_twice_is_refused_where_it_matters_who_reads_it() -> None:
    text = '{"a": {"b": 1, "b": 2}}'
    assert parsed(text) == {"a": {"b": 2}}
    with pytest.raises(ValueError, match="name twice"):
        parsed(text, once=True)
    assert parsed('[{"b": 1}, {"b": 2}]', once=True) == [{"b": 1}, {"b": 2}]


def test_the_deepest_that_is_read_is_read() -> None:
    assert depth(parsed("[" * MOST_DEPTH + "]" * MOST_DEPTH)) == MOST_DEPTH
    with pytest.raises(TooDeep):
        parsed("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1))


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLong, match="larger than 1,000 bytes"):
        read_file(path, 1000)
    path.write_bytes(b"x" * 1000)
    assert read_file(path, 1000) == b"x" * 1000


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nul"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero") if kind == "device" else tmp_path / "a\0b"
    with pytest.raises(OSError, match=r".*"):
        read_file(path, 1000)
