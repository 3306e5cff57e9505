"""Whatever stands in a document, the outcome is a valid file or one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import DataObject, booleans, data, integers, sampled_from

from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.openapi.target import write_from_document
from meta_tests.targets.openapi.documents import Json, mem0_like, minimal, of_paths, signing_in, written

DOCUMENTS = (mem0_like(), of_paths(), signing_in(), minimal())
TEXTS = ("", "x", "a\nb\x00\x7f\u202e\u2028", "${HOME}", "{user}", "{{user}}", "#/paths", '"', "\ud800")
JUNK: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    -1,
    1e300,
    [],
    [None],
    ["x"],
    {},
    [{}],
    {"$ref": "#/paths"},
    {"$ref": "#/"},
)


def places(part: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all parts of a document."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, each in inner:
        yield (*way, key)
        yield from places(each, (*way, key))


def damaged(document: Json, way: tuple[Any, ...], junk: Any, *, key: bool) -> Json:
    """The document with one of its parts replaced, or with another key for that part."""
    changed = deepcopy(document)
    part: Any = changed
    for step in way[:-1]:
        part = part[step]
    if key and isinstance(part, dict):
        part[str(junk)] = part.pop(way[-1])
    else:
        part[way[-1]] = junk
    return changed


@settings(max_examples=60)
@given(data())
def test_a_damaged_document_leads_to_a_valid_file_or_to_one_sentence(drawn: DataObject) -> None:
    document = drawn.draw(sampled_from(DOCUMENTS))
    for _ in range(drawn.draw(integers(1, 3))):
        way = drawn.draw(sampled_from(list(places(document))))
        junk, key = drawn.draw(sampled_from(JUNK)), drawn.draw(booleans())
        document = damaged(document, way, junk, key=key)
    with TemporaryDirectory() as folder:
        path = written(Path(folder), document)
        try:
            result = write_from_document(path, "notes", Path(folder), {})
            read = tomllib.loads(result.path.read_text(encoding="utf-8"))
        except UsageProblem as error:
            told: tuple[str, ...] = (str(error),)
        else:
            told = result.told
            assert read["options"]["openapi"] == "openapi.json"
            assert "HOME" not in " ".join(result.steps)
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize("key", ["url", "description"])
def test_half_a_character_is_no_text_of_a_target(key: str, tmp_path: Path) -> None:
    document = {**DOCUMENTS[0], "servers": [{"url": "https://api.example.com", key: "/\ud800"}]}
    result = write_from_document(written(tmp_path, document), "notes", tmp_path, {})
    assert tomllib.loads(result.path.read_text(encoding="utf-8"))["options"]
