"""What documents of services lead to: a file that loads, and words about what was decided."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapters.described.http_options import HttpOptions, mapped
from isolation_tests.adapters.described.mapping import checked
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.openapi.target import Written, write_from_document
from isolation_tests.targets.resolve import resolve
from meta_tests.targets.openapi.documents import (
    NOTES_YAML,
    Json,
    answer,
    content,
    document,
    fields,
    mem0_like,
    minimal,
    of_paths,
    ref,
    signing_in,
    taking,
    written,
)


def proposed(folder: Path, given: Json | Path, **answers: str) -> tuple[dict[str, Any], Written]:
    """The [options] that a document leads to, and what is told."""
    path = given if isinstance(given, Path) else written(folder, given)
    result = write_from_document(path, "notes", folder, answers)
    return tomllib.loads(result.path.read_text(encoding="utf-8"))["options"], result


def calls(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The operations of the file, which is a description that fits."""
    pytest.importorskip("jmespath", reason="jmespath is not installed")
    for name in re.findall(r"\$\{(\w+)\}", str(options)):
        monkeypatch.setenv(name, "of-the-test")
    return set(mapped(checked(HttpOptions, options)).calls)


def left(result: Written) -> str:
    """What is left to the user."""
    return "\n".join(result.told).partition("Left to you:")[2].partition("No operation asks")[0]


@pytest.fixture
def notes_yaml(tmp_path: Path) -> Path:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / "notes.yaml"
    path.write_text(NOTES_YAML, encoding="utf-8")
    return path


def test_a_service_like_mem0s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, result = proposed(tmp_path, mem0_like())

    assert calls(options, monkeypatch) == {
        "add",
        "search",
        "get_all",
        "delete_all",
        "get",
        "update",
        "delete",
        "history",
    }
    assert options["base_url"] == "https://memory.example.com"
    assert options["auth"] == {"kind": "header", "name": "X-API-Key", "token": "${NOTES_KEY}"}
    assert options["add"] == {
        "method": "POST",
        "path": "/memories",
        "json": {
            "messages": [{"role": "user", "content": "{text}"}],
            "user_id": "{user}",
            "metadata": "{metadata}",
            "infer": False,
        },
        "items": "",
    }
    assert options["search"]["json"] == {"query": "{query}", "user_id": "{user}"}
    assert options["get_all"] == {"method": "GET", "path": "/memories", "query": {"user_id": "{user}"}}
    assert options["delete_all"]["query"] == {"user_id": "{user}"}
    assert options["update"]["json"] == {"text": "{text}"}
    assert options["history"]["path"] == "/memories/{id}/history"
    assert "options.answer.items: JMESPath to the list of memories" in left(result)
    assert result.told[-1].endswith("2 routes, which every run says: POST /configure, POST /reset")
    assert result.steps == ("export NOTES_KEY=...", f"isolation-tests run {result.path} --profile quick")


def test_a_service_with_cursors_and_the_user_in_a_header(
    notes_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, result = proposed(tmp_path, notes_yaml)

    assert calls(options, monkeypatch) == {
        "add",
        "search",
        "get_all",
        "delete_all",
        "get",
        "delete",
        "count",
    }
    assert options["openapi"] == "notes.yaml"
    assert options["base_url"] == "https://staging.notes.example.com/v1"
    assert options["auth"] == {"kind": "bearer", "token": "${NOTES_KEY}"}
    assert options["answer"] == {"items": "data.items", "id": "id", "text": "body"}
    assert options["add"] == {
        "method": "POST",
        "path": "/notes",
        "headers": {"X-User-Id": "{user}"},
        "json": {"body": "{text}", "kind": "plain"},
    }
    assert options["get_all"] == {
        "method": "GET",
        "path": "/notes",
        "query": {"cursor": "{cursor}"},
        "headers": {"X-User-Id": "{user}"},
        "paging": {"kind": "cursor", "next": "meta.next_cursor"},
    }
    search = options["search"]
    assert search["query"] == {"q": "{query}", "top_k": "{limit}"}
    assert (search["items"], search["id"], search["text"]) == ("hits", "note.id", "note.body")
    assert options["get"]["path"] == "/notes/{id}"
    assert options["get"]["items"] == "note"
    assert options["count"]["total"] == "data.total"
    assert "Nothing is left open." in result.told
    assert "; others: https://eu.notes.example.com/v1" in "\n".join(result.told)
    assert result.told[-1].endswith("1 route, which every run says: GET /admin/export")


def test_a_service_with_the_user_in_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, result = proposed(tmp_path, of_paths())

    assert "base_url" not in options
    assert calls({**options, "base_url": "http://127.0.0.1:1/api"}, monkeypatch) == {
        "add",
        "search",
        "get_all",
        "delete_all",
    }
    assert {options[name]["path"] for name in ("add", "get_all", "delete_all")} == {
        "/orgs/${NOTES_ORG_ID}/users/{user}/facts"
    }
    assert options["answer"] == {"items": "results", "id": "", "text": "@"}
    assert options["get_all"]["query"] == {"page": "{cursor}"}
    assert options["get_all"]["paging"] == {"kind": "page", "first": 0}
    assert options["search"]["items"] == "@"
    assert options["search"]["json"] == {"query": "{query}"}
    assert options["add"]["items"] == ""
    assert "options.base_url: the document names no whole address" in left(result)
    assert (
        "NOTES_ORG_ID: set it to what belongs into the path of POST /orgs/{org_id}/users/{id}/facts"
        in left(result)
    )
    assert "options.search.json.source: required (string), and the document gives no value" in left(result)
    assert "# json.source = ... # fill in: required (string)" in result.path.read_text(encoding="utf-8")
    assert result.told[-1] == "Every route of the document is asked."


def test_a_service_where_each_user_signs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"secret": "APP_PASSWORD"}
    options, result = proposed(tmp_path, signing_in(), **answers)

    assert calls(options, monkeypatch) == {"add", "search", "get_all", "delete_all"}
    assert options["base_url"] == "http://localhost:9000/v1"
    assert options["auth"] == {
        "kind": "bearer",
        "sign_in": {
            "method": "POST",
            "path": "/login",
            "json": {"username": "{user}", "password": "${APP_PASSWORD}"},
            "token": "access_token",
        },
    }
    assert options["get_all"] == {
        "method": "GET",
        "path": "/memories",
        "paging": {"kind": "link", "next": "next"},
    }
    assert options["add"]["json"] == {"content": "{text}", "metadata": "{metadata}"}
    assert result.told[-1] == "Every route of the document is asked."


def test_what_the_user_says_wins(tmp_path: Path) -> None:
    answers = {"base_url": "http://127.0.0.1:8080", "secret": "APP_KEY", "user_field": "run_id"}
    options, result = proposed(tmp_path, mem0_like(), **answers)

    assert options["base_url"] == "http://127.0.0.1:8080"
    assert options["auth"] == {"kind": "header", "name": "X-API-Key", "token": "${APP_KEY}"}
    assert options["get_all"]["query"] == {"run_id": "{user}"}
    assert result.steps[0] == "export APP_KEY=..."


def test_a_request_that_would_delete_everybodys_is_never_proposed(tmp_path: Path) -> None:
    options, result = proposed(tmp_path, minimal(delete={"summary": "Delete all memories"}))

    assert "delete_all" not in options
    assert "options.delete_all: the document shows no such operation" in left(result)
    assert "# [options.delete_all] # fill in" in result.path.read_text(encoding="utf-8")


def test_a_list_without_pages_is_asked_for_as_much_as_it_gives(tmp_path: Path) -> None:
    rows = answer({"type": "array", "items": fields(id="string", text="string")})
    owner = taking("owner")
    most = {
        "parameters": [owner, taking("limit", kind="integer", default=50, maximum=500)],
        "responses": rows,
    }
    unsaid = {"parameters": [owner, taking("limit", kind="integer", default=50)], "responses": rows}

    assert proposed(tmp_path, minimal(get=most))[0]["get_all"]["query"] == {"owner": "{user}", "limit": 500}
    (tmp_path / "notes.toml").unlink()
    options, result = proposed(tmp_path, minimal(get=unsaid))
    assert options["get_all"]["query"] == {"owner": "{user}"}
    assert "options.get_all.query.limit: how many memories a list may hold" in left(result)


def test_a_cursor_whose_next_is_not_described_is_left_to_the_user(tmp_path: Path) -> None:
    rows = {"type": "array", "items": fields(id="string", text="string")}
    listing = {"parameters": [taking("owner"), taking("cursor")], "responses": answer(rows)}
    options, result = proposed(tmp_path, minimal(get=listing))

    assert options["get_all"]["query"] == {"owner": "{user}"}
    assert "options.get_all.paging: JMESPath to the next cursor in the answer" in left(result)


def test_an_operation_that_lacks_a_value_is_a_comment(tmp_path: Path) -> None:
    free = {"requestBody": content({"type": "object"}), "parameters": [taking("id", "path")]}
    given = minimal()
    given["paths"]["/memories/{id}"] = {"put": {"summary": "Update a memory", **free}}
    options, result = proposed(tmp_path, given)

    assert "update" not in options
    assert (
        "options.update: PUT /memories/{id} fits, but the document does not say where {text} stands"
        in left(result)
    )
    assert "PUT /memories/{id}" in result.told[-1]


def test_a_body_that_is_not_json_is_told(tmp_path: Path) -> None:
    form = {"content": {"multipart/form-data": {"schema": fields(text="string", owner="string")}}}
    options, result = proposed(tmp_path, minimal(post={"requestBody": form}))

    assert "add" not in options
    assert "POST /memories takes multipart/form-data, and only JSON can be sent" in left(result)


def test_a_sign_in_by_a_form_is_told(tmp_path: Path) -> None:
    given = signing_in()
    form = {"application/x-www-form-urlencoded": {"schema": fields(username="string")}}
    given["paths"]["/login"]["post"]["requestBody"] = {"content": form}
    _, result = proposed(tmp_path, given)

    assert "POST /login takes application/x-www-form-urlencoded, and only JSON can be sent" in left(result)


def test_answers_are_read_from_examples(tmp_path: Path) -> None:
    example = {"data": [{"memoryId": 7, "content": "A fact", "owner": "alice"}], "next_page_token": "x"}
    shown = {"200": {"description": "ok", "content": {"application/json": {"example": example}}}}
    listing = {"parameters": [taking("owner"), taking("page_token")], "responses": shown}
    options, _ = proposed(tmp_path, minimal(get=listing))

    assert options["answer"] == {"items": "data", "id": "memoryId", "text": "content"}
    assert options["get_all"]["paging"] == {"kind": "cursor", "next": "next_page_token"}


@pytest.mark.parametrize(
    ("scheme", "auth", "told"),
    [
        ({"type": "http", "scheme": "Bearer"}, {"kind": "bearer", "token": "${NOTES_KEY}"}, ""),
        (
            {"type": "http", "scheme": "basic"},
            {"kind": "header", "name": "Authorization", "token": "Basic ${NOTES_KEY}"},
            "base64 of USER:PASSWORD",
        ),
        (
            {"type": "apiKey", "in": "cookie", "name": "sid"},
            {"kind": "cookie", "name": "sid", "token": "${NOTES_KEY}"},
            "",
        ),
        ({"type": "oauth2", "flows": {}}, {"kind": "bearer", "token": "${NOTES_KEY}"}, "set it to a token"),
        ({"type": "mutualTLS"}, {"kind": "none"}, "the security scheme key can't be sent"),
        ({"type": "apiKey", "in": "header", "name": "a b\n"}, {"kind": "none"}, "can't be sent"),
    ],
    ids=["bearer", "basic", "cookie", "oauth2", "mutual", "no-header"],
)
def test_credentials(scheme: Json, auth: Json, told: str, tmp_path: Path) -> None:
    given = minimal() | {"components": {"securitySchemes": {"key": scheme}}, "security": [{"key": []}]}
    options, result = proposed(tmp_path, given)

    assert options["auth"] == auth
    assert told in left(result)


def test_a_key_in_the_query_and_a_second_one_in_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemes = {
        "key": {"type": "apiKey", "in": "query", "name": "key"},
        "one": {"type": "apiKey", "in": "header", "name": "X-One"},
        "two": {"type": "apiKey", "in": "header", "name": "X-Two"},
    }
    given = minimal() | {
        "components": {"securitySchemes": schemes},
        "security": [{name: [] for name in schemes}],
    }
    options, result = proposed(tmp_path, given)

    assert calls({**options, "base_url": "http://127.0.0.1:1"}, monkeypatch) >= {"add"}
    assert options["auth"] == {"kind": "header", "name": "X-One", "token": "${NOTES_KEY}"}
    assert options["headers"] == {"X-Two": "${NOTES_KEY_2}"}
    assert options["delete_all"]["query"] == {"key": "${NOTES_KEY}", "owner": "{user}"}
    assert result.steps[:2] == ("export NOTES_KEY=...", "export NOTES_KEY_2=...")


def test_an_operation_that_can_t_name_the_user_is_a_comment(tmp_path: Path) -> None:
    rows = answer({"type": "array", "items": fields(id="string", text="string")})
    options, result = proposed(tmp_path, minimal(get={"summary": "List all memories", "responses": rows}))

    assert "get_all" not in options
    assert "options.get_all: GET /memories fits, but the document does not say where {user} stands" in left(
        result
    )


def test_a_service_that_names_no_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = signing_in()
    del given["paths"]["/login"]
    options, result = proposed(tmp_path, given)

    assert "delete_all" not in options
    assert "options.auth.sign_in: how each user signs in, or {user} in each request" in left(result)
    with pytest.raises(Exception, match=r"options\.delete_all is missing"):
        calls(options, monkeypatch)


def test_a_document_names_no_variable_and_no_placeholder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODYS_SECRET", "hunter2")
    planted = {"type": "string", "default": "${SOMEBODYS_SECRET} {user}"}
    body = content(fields("text owner tag", text="string", owner="string", tag=planted))
    given = minimal(post={"summary": "x # y\n[options.intrude]", "requestBody": body})
    given["paths"]["/memories/{id}/${SOMEBODYS_SECRET}/history"] = {
        "get": {"parameters": [taking("id", "path")]}
    }
    given["servers"] = [{"url": "http://127.0.0.1:1"}]
    options, result = proposed(tmp_path, given)

    assert options["add"]["json"]["tag"] == "${{SOMEBODYS_SECRET}} {{user}}"
    assert calls(options, monkeypatch) >= {"add"}
    add = mapped(checked(HttpOptions, options)).calls["add"]
    assert "hunter2" not in repr(add)
    assert "intrude" not in options
    assert "export SOMEBODYS_SECRET=..." not in result.steps


def test_references_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    given = minimal()
    body = given["paths"]["/memories"]["post"]["requestBody"]["content"]["application/json"]
    node = fields("text owner", text="string", owner="string", child=ref("Node"), like=ref("Loop"))
    chain = {f"C{n}": {"allOf": [ref(f"C{n + 1}"), ref(f"C{n + 1}")]} for n in range(2000)}
    given["components"] = {
        "schemas": {"Node": node, "Loop": ref("Pool"), "Pool": ref("Loop"), "Self": {"allOf": [ref("Self")]}}
        | chain
    }
    body["schema"] = {"allOf": [ref("Node"), ref("Self"), ref("C0")]}
    options, _ = proposed(tmp_path, given)

    assert options["add"]["json"] == {"text": "{text}", "owner": "{user}"}


def test_references_that_lead_out_are_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"Note": {"type": "object"}}', encoding="utf-8")
    given = minimal()
    given["paths"]["/other"] = {"get": {"responses": answer({"$ref": "other.json#/Note"})}}
    given["paths"]["/none"] = {"get": {"responses": answer(ref("Nothing"))}}
    given["paths"]["/there"] = {"$ref": "https://example.com/item.json"}
    _, result = proposed(tmp_path, given)

    assert (
        "3 references to another file or to nothing, which nobody followed: #/components/schemas/Nothing"
        in left(result)
    )


def test_an_old_version_of_an_operation_gives_way_to_a_new_one(tmp_path: Path) -> None:
    given = minimal()
    given["paths"] = {
        "/v1/memories": {"post": {**given["paths"]["/memories"]["post"], "deprecated": True}}
    } | given["paths"]
    options, result = proposed(tmp_path, given)

    assert options["add"]["path"] == "/memories"
    assert "POST /v1/memories" in result.told[-1]


def test_two_operations_that_fit_are_told(tmp_path: Path) -> None:
    given = minimal()
    given["paths"]["/v2/memories"] = {"post": given["paths"]["/memories"]["post"]}
    _, result = proposed(tmp_path, given)

    assert any(line.endswith("; POST /v2/memories would fit as well") for line in result.told)


def test_the_path_of_the_document_starts_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "apis").mkdir()
    (tmp_path / "targets").mkdir()
    path = written(tmp_path / "apis", minimal())
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        result = write_from_document(Path("apis") / path.name, "notes", Path("targets"), {})
    finally:
        os.chdir(here)

    written_to = tmp_path / result.path
    assert (
        tomllib.loads(written_to.read_text(encoding="utf-8"))["options"]["openapi"] == "../apis/openapi.json"
    )
    assert set(resolve(str(written_to)).versions()) == {"notes.toml", "openapi.json"}


def test_an_id_of_something_else_is_no_memorys(tmp_path: Path) -> None:
    given = minimal()
    one = {"parameters": [taking("id", "path"), taking("owner")]}
    given["paths"] |= {"/memories/{id}": {"delete": one}, "/webhooks/{id}": {"get": one, "delete": one}}
    given["paths"] |= {"/webhooks/export": {"get": {"parameters": [taking("owner")]}}}
    options, _ = proposed(tmp_path, given)

    assert options["delete"]["path"] == "/memories/{id}"
    assert "get" not in options
    assert "export" not in options


def test_deleting_a_user_may_leave_the_memories(tmp_path: Path) -> None:
    given = minimal(delete={"summary": "Start a job"})
    given["paths"]["/users/{owner}"] = {"delete": {"summary": "Delete a user and all memories"}}
    options, result = proposed(tmp_path, given)

    assert "delete_all" not in options
    assert (
        "DELETE /users/{owner} fits, but the document does not say whether that deletes the user's"
        in left(result)
    )
    assert '\n# path = "/users/{user}"\n' in result.path.read_text(encoding="utf-8")


def test_a_word_before_the_key_and_a_scheme_that_has_another_name(tmp_path: Path) -> None:
    scheme = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "Put 'Token ' before your key.",
    }
    given = minimal() | {"components": {"securitySchemes": {"new": scheme}}, "security": [{"old": []}]}
    options, _ = proposed(tmp_path, given)

    assert options["auth"] == {"kind": "header", "name": "Authorization", "token": "Token ${NOTES_KEY}"}


def test_a_header_that_holds_the_credential(tmp_path: Path) -> None:
    given = minimal()
    header = {"name": "authorization", "in": "header", "required": False, "schema": {"type": "string"}}
    given["paths"]["/memories"]["parameters"] = [header]
    options, _ = proposed(tmp_path, given)

    assert options["auth"] == {"kind": "bearer", "token": "${NOTES_KEY}"}
    assert "headers" not in options["add"]


def test_a_cursor_behind_the_last_id(tmp_path: Path) -> None:
    rows = {"type": "array", "items": fields(id="string", text="string")}
    answers = answer(fields(has_more="boolean", data=rows))
    listing = {"parameters": [taking("owner"), taking("starting_after")], "responses": answers}
    options, _ = proposed(tmp_path, minimal(get=listing))

    assert options["get_all"]["paging"] == {"kind": "cursor", "next": "has_more && data[-1].id"}
    assert options["get_all"]["query"] == {"owner": "{user}", "starting_after": "{cursor}"}


def test_a_list_by_post_sends_its_page_in_the_body(tmp_path: Path) -> None:
    rows = {"type": "array", "items": fields(id="string", text="string")}
    body = content(fields("owner", owner="string", offset="integer", limit="integer"))
    given = minimal(get={"summary": "nothing to see"})
    given["paths"]["/memories/list"] = {
        "post": {"requestBody": body, "responses": answer(fields(items=rows))}
    }
    options, _ = proposed(tmp_path, given)

    assert options["get_all"]["path"] == "/memories/list"
    assert options["get_all"]["json"] == {"owner": "{user}", "offset": "{cursor}"}
    assert options["get_all"]["paging"] == {"kind": "offset"}


def test_a_document_of_too_many_routes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageProblem, match="has more than 1,000 routes; keep those of the memories in a copy"
    ):
        proposed(tmp_path, document({f"/m{number}": {"get": {}} for number in range(1001)}))
