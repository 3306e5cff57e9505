"""From a service's document to a verdict: the file that `init` writes is run as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.cli import main
from isolation_tests.engine.examination import examine
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import new_key
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from meta_tests.adapters.http.service import Asked, Reply, Service
from meta_tests.asking import ask, named, only

CHECKS = (
    "get-all-stays-own[A1-prefix-dash-get_all-a-acts]",
    "ids-need-their-owner[O1-get]",
    "ids-need-their-owner[O3-delete]",
    "offers-keep-own-facts[completeness-page]",
    "scope-is-applied[S1-two-users]",
    "search-stays-own[A1-prefix-letter-search-a-acts]",
)
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shelves", "version": "2"},
    "components": {
        "schemas": {
            "Fact": {"type": "object", "properties": {"id": {"type": "string"}, "text": {"type": "string"}}},
            "Facts": {"type": "array", "items": {"$ref": "#/components/schemas/Fact"}},
            "Page": {
                "type": "object",
                "properties": {
                    "facts": {"$ref": "#/components/schemas/Facts"},
                    "next": {"type": ["string", "null"]},
                },
            },
            "New": {
                "type": "object",
                "required": ["text", "source"],
                "properties": {
                    "text": {"type": "string"},
                    "source": {"type": "string", "example": "chat"},
                    "metadata": {"type": "object"},
                },
            },
        },
        "parameters": {
            "User": {"name": "user", "in": "query", "required": True, "schema": {"type": "string"}},
            "Id": {"name": "factId", "in": "path", "required": True, "schema": {"type": "string"}},
        },
        "securitySchemes": {"app": {"type": "apiKey", "in": "header", "name": "X-App-Key"}},
    },
    "security": [{"app": []}],
    "paths": {
        "/facts": {
            "parameters": [{"$ref": "#/components/parameters/User"}],
            "get": {
                "operationId": "listFacts",
                "parameters": [{"name": "after", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}
                    }
                },
            },
            "post": {
                "operationId": "addFact",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}
                },
                "responses": {
                    "201": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fact"}}}
                    }
                },
            },
            "delete": {"operationId": "deleteFacts", "responses": {"204": {}}},
        },
        "/facts/search": {
            "parameters": [{"$ref": "#/components/parameters/User"}],
            "get": {
                "operationId": "searchFacts",
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Facts"}}}
                    }
                },
            },
        },
        "/facts/{factId}": {
            "parameters": [{"$ref": "#/components/parameters/User"}, {"$ref": "#/components/parameters/Id"}],
            "get": {
                "operationId": "getFact",
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fact"}}}
                    }
                },
            },
            "delete": {"operationId": "deleteFact", "responses": {"204": {}}},
        },
        "/admin/facts": {"get": {"operationId": "everything", "responses": {"200": {}}}},
    },
}


def shown(rows: list[Memory]) -> list[dict[str, Any]]:
    return [{"id": row.id, "text": row.text} for row in rows]


def shelves(*, checks_owner: bool = True) -> Callable[[Asked], Reply]:
    """The service: a correct store, or one that reads any memory by its id; the query names the user."""
    store = ReferenceStore()
    owners: dict[str, str] = {}

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("x-app-key") != "of-the-test":
            return Reply(401, {"error": "no key"})
        try:
            return performed(asked)
        except Refused:
            return Reply(404, {"error": "there is no such thing"})

    def performed(asked: Asked) -> Reply:
        query = dict(asked.query)
        user = query.get("user", "")
        one = re.fullmatch(r"/facts/([^/]+)", asked.path)
        if asked.path == "/facts/search":
            return Reply(body=shown(store.search(user, query["q"], limit=int(query.get("limit", 10)))))
        if one is not None:
            id = unquote(one[1])
            if asked.method == "DELETE":
                store.delete(user, id)
                return Reply(204)
            return Reply(body=shown([store.get(user if checks_owner else owners.get(id, user), id)])[0])
        if asked.method == "POST":
            if asked.body.get("source") != "chat":
                return Reply(422, {"error": "no source"})
            [row] = store.add(user, asked.body["text"], metadata=asked.body.get("metadata"))
            owners[str(row.id)] = user
            return Reply(201, shown([row])[0])
        if asked.method == "DELETE":
            store.delete_all(user)
            return Reply(204)
        page = store.page(user, query.get("after"))
        return Reply(body={"facts": shown(list(page.items)), "next": page.cursor})

    return answer


@pytest.fixture
def target(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The target's file, as `init` writes it from the service's document."""
    monkeypatch.setenv("SHELVES_KEY", "of-the-test")
    service.answer = shelves()
    document = tmp_path / "api.json"
    document.write_text(json.dumps({**DOCUMENT, "servers": [{"url": service.url}]}), encoding="utf-8")
    command = ["init", "http", "shelves", "--openapi", str(document), "--folder", str(tmp_path)]
    ran = CliRunner().invoke(main, command)

    assert ran.exit_code == 0, ran.output
    assert "Nothing is left open." in ran.output
    assert "No operation asks 1 route, which every run says: GET /admin/facts" in ran.output
    assert ran.output.endswith(
        f"wrote {tmp_path / 'shelves.toml'}\nexport SHELVES_KEY=...\n"
        f"isolation-tests run {tmp_path / 'shelves.toml'} --profile quick\n"
    )
    return tmp_path / "shelves.toml"


def test_the_file_is_run_as_it_is_and_a_correct_service_is_held(target: Path) -> None:
    results = ask(Settings(target=str(target), profile="quick", seed="1"), only(*CHECKS))

    assert {result.check: result.verdict for result in results} == dict.fromkeys(CHECKS, Verdict.HELD)


@pytest.mark.system
def test_a_correct_service_is_held_by_every_quick_check(target: Path) -> None:
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace("disposable = false", "disposable = true "), encoding="utf-8")
    results = examine(Settings(target=str(target), profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    assert sum(result.verdict is Verdict.HELD for result in results) > 100


def test_a_leak_behind_the_proposed_mapping_is_found(target: Path, service: Service) -> None:
    service.answer = shelves(checks_owner=False)

    assert named(ask(Settings(target=str(target), profile="quick", seed="1"), only(*CHECKS))) == {"O1"}


def test_a_run_knows_the_route_that_nobody_asks(target: Path) -> None:
    examiner = Examiner(resolve(str(target)), profile("quick"), new_key(1))
    try:
        assert examiner.unasked == ("GET /admin/facts",)
        assert {"get", "delete", "page", "metadata"} <= set(examiner.claimed)
    finally:
        examiner.close()


def test_every_line_that_is_written_is_one_that_the_adapter_knows(target: Path) -> None:
    options = tomllib.loads(target.read_text(encoding="utf-8"))["options"]

    assert options["add"]["json"] == {"text": "{text}", "source": "chat", "metadata": "{metadata}"}
    assert options["add"]["query"] == {"user": "{user}"}
    assert options["get_all"]["query"] == {"user": "{user}", "after": "{cursor}"}
    assert options["answer"] == {"items": "facts", "id": "id", "text": "text"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mcp", "shelves", "--openapi", "api.json"], "--openapi describes an HTTP service"),
        (["http", "shelves", "--openapi", "none.json"], "There is no file none.json; check the path."),
        (["http", "shelves", "--openapi", "https://h/api.json"], "nothing is fetched; download the document"),
        (["http", "shelves", "--openapi", "bad.json"], "bad.json is Swagger 2.0; convert it"),
        (["http", "Shelves", "--openapi", "api.json"], "'Shelves' can't be a target's name"),
        (
            ["http", "shelves", "--openapi", "api.json", "--set", "path=/m"],
            "With --openapi, --set takes base_url,",
        ),
        (["http", "shelves", "--openapi", "api.json", "--set", "base_url=m"], "base_url can't be 'm'"),
        (["http", "shelves", "--openapi", "api.json", "--folder", "none"], "There is no folder none"),
        (["http", "taken", "--openapi", "api.json"], "taken.toml already exists"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    (tmp_path / "bad.json").write_text('{"swagger": "2.0"}', encoding="utf-8")
    (tmp_path / "taken.toml").write_text("mine", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    ran = CliRunner().invoke(main, ["init", *arguments])

    assert ran.exit_code == 3
    assert sentence in ran.output
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "taken.toml").read_text(encoding="utf-8") == "mine"
