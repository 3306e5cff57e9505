"""The routes of a service's document that no operation asks are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import BadOption
from isolation_tests.adapters.described.openapi import read_document
from isolation_tests.adapters.described.unasked import unasked
from isolation_tests.adapters.http import HttpMemory, open_memory
from meta_tests.adapters.http.service import Service, merged


def routes(folder: Path, listed: str, base_url: str, requests: str, **more: Any) -> list[str]:
    """What is unasked. listed, requests: methods and paths, separated by commas."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path in (each.split() for each in listed.split(",")):
        paths.setdefault(path, {})[method.lower()] = {}
    file = folder / "api.json"
    file.write_text(json.dumps({"openapi": "3.1.0", "paths": paths, **more}), encoding="utf-8")
    asked = [(method, path) for method, path in (each.split() for each in requests.split(",") if each)]
    return unasked(read_document(file), base_url, asked)


@pytest.mark.parametrize(
    ("listed", "base_url", "requests", "left"),
    [
        ("GET /m,DELETE /m", "http://h", "GET /m", ["DELETE /m"]),
        ("GET /users/{id}/m", "http://h", "GET /users/{user}/m", []),
        ("GET /users/{id}/m", "http://h/", "GET /users/alice/m", []),
        ("GET /m/{id},GET /m/search", "http://h", "GET /m/search", ["GET /m/{id}"]),
        ("GET /m/{id},GET /m/search", "http://h", "GET /m/{id}", ["GET /m/search"]),
        ("GET /m/{id},GET /m/search", "http://h", "", ["GET /m/{id}", "GET /m/search"]),
        ("GET /m/{id}.json,GET /m/{id}.xml", "http://h", "GET /m/{x}.json", ["GET /m/{id}.xml"]),
        ("GET /m/", "http://h", "GET /m", []),
        ("GET /m", "http://h", "GET /m/{id}", ["GET /m"]),
        ("HEAD /m,GET /m", "http://h", "GET /m", ["HEAD /m"]),
        # A prefix that the document does not know is no reason to tell every route.
        ("GET /m,GET /n", "http://h/behind/a/proxy", "GET /m", ["GET /n"]),
        # But one that it knows counts: this is another route of the same ending.
        ("GET /m,GET /v2/m", "http://h/v2", "GET /m", ["GET /m"]),
    ],
)
def test_what_is_unasked(listed: str, base_url: str, requests: str, left: list[str], tmp_path: Path) -> None:
    assert routes(tmp_path, listed, base_url, requests) == left


def test_prefixes_come_from_the_servers(tmp_path: Path) -> None:
    servers = [{"url": "/v1"}, {"url": "https://h/{part}", "variables": {"part": {"default": "v2"}}}]

    for base_url, path in (("http://h/v1", "/m"), ("http://h", "/v2/m"), ("http://h", "/m")):
        assert routes(tmp_path, "GET /m,GET /n", base_url, f"GET {path}", servers=servers) == ["GET /n"]


def test_a_name_in_a_document_steers_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(
        json.dumps({"openapi": "3.1.0", "paths": {"/a\x1b[2J\nb": {"get": {}}}}), encoding="utf-8"
    )

    assert unasked(read_document(tmp_path / "api.json"), "http://h", []) == [r"GET /a\x1b[2J b"]


def told(service: Service, near: Path, *changes: dict[str, Any]) -> list[str]:
    """What the open adapter tells of its document."""
    options = merged({"base_url": service.url, "openapi": "api.json"}, *changes)
    with open_memory(near=str(near), **options) as memory:
        assert isinstance(memory, HttpMemory)
        return list(memory.unasked)


def test_the_adapter_tells_what_its_file_does_not_map(service: Service, tmp_path: Path) -> None:
    paths: dict[str, Any] = {
        "/m": {"get": {}, "post": {}, "delete": {}},
        "/m/search": {"post": {}},
        "/m/{memory}": {"get": {}, "put": {}},
        "/sign-in": {"post": {}},
        "/admin/export": {"get": {}},
    }
    (tmp_path / "api.json").write_text(json.dumps({"openapi": "3.1.0", "paths": paths}), encoding="utf-8")
    get = {"get": {"method": "GET", "path": "/m/{id}"}}

    assert told(service, tmp_path) == [
        "GET /m/{memory}",
        "PUT /m/{memory}",
        "POST /sign-in",
        "GET /admin/export",
    ]
    assert told(service, tmp_path, get) == ["PUT /m/{memory}", "POST /sign-in", "GET /admin/export"]
    with open_memory(**merged({"base_url": service.url})) as memory:
        assert list(memory.unasked) == []


def test_a_document_that_is_not_there_is_told(service: Service, tmp_path: Path) -> None:
    with pytest.raises(
        BadOption, match=r"^options\.openapi: There is no file .*api\.json; check the path\.$"
    ):
        told(service, tmp_path)
