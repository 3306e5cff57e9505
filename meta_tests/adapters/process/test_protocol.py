"""The protocol's JSON Schema and its reader agree, and `bridge check` tells which rule is broken."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Indeterminate, Refused
from isolation_tests.adapters.process.protocol import (
    CAPABILITIES,
    BridgeError,
    answered,
    call_line,
    cancel_line,
    carried,
    hello_line,
    line_of,
    read_hello,
)
from isolation_tests.cli import main
from isolation_tests.execution.contract import KEYWORDS

SCHEMA = json.loads(CliRunner().invoke(main, ["bridge", "schema"]).output)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def fits(part: str, message: object) -> bool:
    schema = {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]}
    return bool(Draft202012Validator(schema).is_valid(message))


MEMORIES = st.fixed_dictionaries(
    {"id": st.sampled_from([None, "", "7", 7]), "text": st.sampled_from(["t", 1])},
    optional={"raw": VALUES, "more": st.just(1)},
)
PAGES = st.fixed_dictionaries(
    {"items": st.lists(MEMORIES, max_size=2)}, optional={"cursor": st.sampled_from([None, "", "c", 1])}
)
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "memories": st.lists(MEMORIES, max_size=2) | VALUES,
    "memory": MEMORIES | VALUES,
    "page": PAGES | VALUES,
    "number": VALUES,
    "users": st.lists(VALUES, max_size=2) | VALUES,
    "value": VALUES,
    "nothing": st.just(value=True) | VALUES,
    **dict.fromkeys(("refused", "indeterminate", "unsupported", "error"), st.text() | VALUES),
    "data": VALUES,
}
OPERATIONS = {
    "memories": "search",
    "memory": "get",
    "page": "page",
    "number": "count",
    "users": "users",
    "value": "echo",
    "nothing": "delete_all",
}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_capabilities_are_those_of_the_contract() -> None:
    assert set(CAPABILITIES) == {*OPTIONAL_METHODS, *KEYWORDS}
    listed = SCHEMA["$defs"]["bridge_hello"]["properties"]["hello"]["properties"]["capabilities"]
    assert set(listed["items"]["enum"]) == set(CAPABILITIES)


@given(st.data())
def test_the_reader_accepts_what_the_schema_accepts(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=2, unique=True))
    message = {"id": 1, **{name: data.draw(PARTS[name]) for name in names}}
    operation = next((OPERATIONS[name] for name in names if name in OPERATIONS), "search")
    try:
        answered(operation, message)
        accepted = True
    except (Refused, Indeterminate, NotImplementedError):
        accepted = True
    except BridgeError as error:
        accepted = str(error) == message.get("error") and len(message) == 2 + ("data" in message)
    assert accepted == (fits("answer", message) or fits("failure", message))


@given(st.dictionaries(st.sampled_from(["protocol", "name", "version", "capabilities", "axes", "x"]), VALUES))
def test_a_hello_is_read_as_the_schema_says(changes: dict[str, Any]) -> None:
    hello = {"hello": {"protocol": 1, "name": "n", "version": "1", **changes}}
    read = None
    with suppress(BridgeError):
        read = read_hello(hello)
    assert (read is not None) == fits("bridge_hello", hello)


@given(VALUES, st.sampled_from([*CORE_METHODS, *OPTIONAL_METHODS, "echo"]))
def test_what_is_sent_fits_the_schema_and_keeps_its_value(value: Any, operation: str) -> None:
    line = call_line(7, operation, {"user": value})
    message = json.loads(line)

    assert line.isascii()
    assert line.count(b"\n") == 1
    assert fits("call", message)
    assert json.dumps(message["arguments"]["user"]) == json.dumps(value)
    assert fits("cancel", json.loads(cancel_line(7)))
    assert fits("suite_hello", json.loads(hello_line({"url": "x"})))


@given(st.binary(max_size=40))
def test_any_line_is_an_object_or_refused(raw: bytes) -> None:
    with suppress(BridgeError):
        assert isinstance(line_of(raw), dict)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("alice", True),
        ("a b/%*", True),
        ("é", False),
        ("a\n", False),
        ("\ud800", False),
        (2**53, False),
        (1.0, False),
        (None, True),
        ({"a": [True, 1]}, True),
        ({"é": 1}, False),
        ((1,), False),
        (b"a", False),
    ],
    ids=ascii,
)
def test_what_languages_read_differently_is_tried_first(value: object, plain: bool) -> None:  # noqa: FBT001 - a row
    assert carried(value) is plain


BRIDGE = """
import json, sys
rows = {}
for line in sys.stdin:
    said = json.loads(line)
    if "hello" in said:
        answer = {"hello": {"protocol": 1, "name": "notes", "version": "1", "capabilities": ["count"]}}
    elif "cancel" in said:
        continue
    else:
        given, call = said["arguments"], said["call"]
        mine = rows.setdefault(json.dumps(given.get("user")), [])
        answer = {"id": said["id"]}
        if call == "echo":
            answer["value"] = CHANGE(given["value"])
        elif call == "add":
            mine.append({"id": "1", "text": given["text"]})
            answer["memories"] = mine
        elif call == "count":
            answer["number"] = COUNT(mine)
        elif call == "delete_all":
            DELETE(mine)
            answer["nothing"] = True
        elif call in ("search", "get_all"):
            answer["memories"] = mine
        else:
            UNKNOWN(answer)
    print(json.dumps(answer), flush=True)
END
"""
GOOD = {
    "CHANGE": "lambda value: value",
    "COUNT": "len",
    "DELETE": "list.clear",
    "UNKNOWN": "lambda answer: answer.update(error='no such call')",
    "END": "",
}


def checked(tmp_path: Path, **changes: str) -> tuple[int, str]:
    source = BRIDGE
    for name, code in {**GOOD, **changes}.items():
        source = source.replace(name, f"({code})" if name != "END" else code)
    (tmp_path / "bridge.py").write_text(source, encoding="utf-8")
    command = f"{sys.executable} {tmp_path / 'bridge.py'}"
    ran = CliRunner().invoke(main, ["bridge", "check", command, "--seconds", "2"])
    return ran.exit_code, ran.output


def test_a_good_bridge_passes(tmp_path: Path) -> None:
    status, said = checked(tmp_path)

    assert status == 0, said
    assert "FAILED" not in said
    assert "it says hello: notes 1, count" in said


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"CHANGE": "lambda value: 1"}, "calls that overlap"),
        ({"DELETE": "lambda mine: None"}, "what a user adds"),
        ({"COUNT": "lambda mine: 7"}, "count answers"),
        ({"COUNT": "lambda mine: 'one'"}, "count answers"),
        ({"UNKNOWN": "lambda answer: answer.update(memories=[])"}, "a call that it does not know"),
        ({"UNKNOWN": "lambda answer: sys.exit(1)"}, "a call that it does not know"),
        ({"END": "print('bye', flush=True)"}, "it ends by itself"),
        ({"END": "sys.exit(4)"}, "it ends by itself"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, changes: dict[str, str], rule: str) -> None:
    status, said = checked(tmp_path, **changes)

    assert status == 2
    assert any(line.startswith(f"FAILED  {rule}") for line in said.splitlines()), said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program", "there is no program 'no-such-program'; install it"),
        ("sh -c 'echo hi'", "which is not a JSON object"),
        ("'", "is not a command"),
        ("", "Name a command"),
    ],
)
def test_what_is_no_bridge_is_told_in_one_sentence(command: str, said: str) -> None:
    ran = CliRunner().invoke(main, ["bridge", "check", command])

    assert ran.exit_code == 3
    assert said in ran.output
    assert len(ran.output.splitlines()) == 1
