"""OpenAPI documents that are damaged, too large, too deep or of another kind end in one sentence."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapters.described.openapi import BadDocument, read_document

GOOD = {"openapi": "3.0.3", "paths": {"/m": {"get": {}}}}


def fault(path: Path, content: str | bytes | None = None) -> str:
    """The sentence on a file, without its path."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadDocument) as caught:
        read_document(path)
    told = str(caught.value)
    assert "\n" not in told
    assert told.endswith(".")
    return told.replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "FILE is not valid JSON: Expecting property name"),
        ('{"openapi": NaN}', "FILE is not valid JSON: NaN is no JSON."),
        (b'{"openapi": "\xff"}', "FILE is not UTF-8 text: invalid start byte. Save it as UTF-8."),
        ("", "FILE holds no object, so it is no OpenAPI document; name another file."),
        ("just a text", "FILE holds no object, so it is no OpenAPI document"),
        ("- a\n- b\n", "FILE holds no object, so it is no OpenAPI document"),
        ("a: [", "FILE is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "FILE is not valid YAML: expected a single document"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "FILE is not valid YAML: could not determine a constructor",
        ),
        ("a: *b", "FILE is not valid YAML: found undefined alias"),
        (
            "b: &b {x: 1}\na: {<<: *b}",
            "FILE is not valid YAML: merge keys (<<) are not read; write their keys out.",
        ),
        ("{}", "FILE has no key openapi, so it is no OpenAPI document; name another file."),
        ('{"swagger": "2.0", "paths": {}}', "FILE is Swagger 2.0; convert it to OpenAPI 3 first"),
        (
            '{"openapi": "4.0.0", "paths": {}}',
            "FILE is of OpenAPI 4.0.0; only 3.0 and 3.1 are read, so convert it.",
        ),
        ('{"openapi": {"a": 1}}', "FILE is of OpenAPI {'a': 1}; only 3.0"),
        (
            '{"openapi": "3.1.0"}',
            "FILE describes no paths, so there is nothing to ask; name another document.",
        ),
        (
            '{"openapi": "3.1.0", "paths": []}',
            "FILE: paths must be an object of paths; correct the document.",
        ),
        (
            '{"openapi": "3.1.0", "paths": {"/m": []}}',
            "FILE: paths./m must be an object of methods; correct the document.",
        ),
        (
            '{"openapi": "3.1.0", "paths": {"/m": {"get": 1}}}',
            "FILE: paths./m.get must be an object; correct the document.",
        ),
        ('{"openapi": "3.1.0", "paths": {"m": {}}}', "FILE: paths.m is not a path: it begins with no slash"),
        (
            '{"openapi": "3.0.0", "a": ' + "[" * 200 + "]" * 200 + "}",
            "FILE has more than 100 lists and objects",
        ),
        ("openapi: 3.0.0\na: " + "[" * 200 + "]" * 200, "FILE has more than 100 lists and objects"),
        ("openapi: 3.0.0\na:\n  " + "- " * 50_000 + "x", "FILE has more than 100 lists and objects"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_bad_document_ends_in_one_sentence(content: str | bytes, sentence: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")

    assert fault(tmp_path / "api.yaml", content).startswith(sentence)


def test_a_file_that_can_t_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)

    assert fault(tmp_path / "none.json") == "There is no file FILE; check the path."
    assert fault(tmp_path) == "FILE can't be read: Is a directory."
    assert fault(pipe) == "FILE can't be read: it is not a regular file."


def test_a_huge_document_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps({**GOOD, "x": "a" * 4_000_000}), encoding="utf-8")

    assert fault(path) == "FILE can't be read: it is larger than 4,000,000 bytes."


def test_a_yaml_document_may_not_grow(tmp_path: Path) -> None:
    """Aliases that double again and again take no time, because nothing walks what they share twice."""
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    doubled = "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    path = tmp_path / "api.yaml"
    path.write_text(
        f"openapi: 3.0.0\na0: &a0 [x]\n{doubled}\npaths: {{/m: {{get: {{}}}}}}\n", encoding="utf-8"
    )
    started = time.monotonic()

    assert read_document(path).unfollowed() == []
    assert time.monotonic() - started < 10


def test_yaml_is_read_as_json_would_be(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / "api.yaml"
    path.write_text(
        "openapi: 3.1.0\n200: x\non: yes\nday: 2024-01-31\nnumber: 010\nbig: 7\npart: 1.5\nnot: true\n"
        "none: ~\npaths: {/m: {get: {}}}\n",
        encoding="utf-8",
    )
    content: dict[str, Any] = dict(read_document(path).content)
    del content["paths"], content["openapi"]

    assert content == {
        "200": "x",
        "on": "yes",
        "day": "2024-01-31",
        "number": "010",
        "big": 7,
        "part": 1.5,
        "not": True,
        "none": None,
    }


def test_json_needs_no_library_and_yaml_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "api.json").write_text(json.dumps(GOOD), encoding="utf-8")
    (tmp_path / "api.yaml").write_text("openapi: 3.0.0", encoding="utf-8")

    assert [str(route) for route in read_document(tmp_path / "api.json").routes()] == ["GET /m"]
    with pytest.raises(ModuleNotFoundError, match=r'pip install "isolation-tests\[http\]"'):
        read_document(tmp_path / "api.yaml")


def test_a_document_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert read_document(path) is read_document(path)

    path.write_text(json.dumps({**GOOD, "paths": {"/other": {"get": {}}}}), encoding="utf-8")
    assert [str(route) for route in read_document(path).routes()] == ["GET /other"]


def test_references_within_the_file_are_followed_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    parts = {
        "a/b": {"x~y": [{"type": "string"}]},
        "loop": {"$ref": "#/parts/pool"},
        "pool": {"$ref": "#/parts/loop"},
    }
    path.write_text(json.dumps({**GOOD, "parts": parts}), encoding="utf-8")
    document = read_document(path)

    assert document.resolved({"$ref": "#/parts/a~1b/x~0y/0", "title": "t"}) == {
        "type": "string",
        "title": "t",
    }
    assert document.resolved({"$ref": "#/parts/a%7E1b/x~0y/0"}) == {"type": "string"}
    for elsewhere in (
        "#/parts/none",
        "#/parts/loop",
        "#/parts/a~1b/x~0y/7",
        "http://127.0.0.1/x",
        "other.json",
        "#",
    ):
        assert document.resolved({"$ref": elsewhere}) == {}
    for damaged in (None, 3, "x", ["x"], {"$ref": 5}):
        assert document.resolved(damaged) in ({}, {"$ref": 5})
