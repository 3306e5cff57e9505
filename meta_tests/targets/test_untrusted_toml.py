"""Targets' files, files of known findings, pyproject.toml: one sentence for whatever is wrong in them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.config import TargetConfig, load
from isolation_tests.targets.known import KnownFile
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings, gather
from meta_tests.mutations import damaged, fuzz, problem_of

TARGET = """name = "x"
title = "X"
adapter = "isolation_tests.adapters.reference:open_memory"
consistency_seconds = 1.5
owner_keys = ["user_id"]
requires = ["pytest>=1"]
known_from = "known.toml"
[budget]
requests = 500
[options]
leak = { a = [1, "b", 2026-01-01] }
[names]
aliases = ["case-upper"]
[volatile]
fields = ["raw.*"]
reason = "they change with time"
[[hazards]]
users = ["empty"]
reason = "no caller passes one"
"""
KNOWN = """[[known]]
finding = "O1-get-any"
reason = "told to its maintainers"
owner = "me"
expires = 2999-01-01
affected = "pytest>=1"
"""
PYPROJECT = """[tool.isolation_tests]
target = "reference"
seed = 5
profile = "quick"
[tool.isolation_tests.options]
leak = "x"
"""
# Values in TOML, and what is none.
VALUES = (
    *("inf", "-inf", "nan", "0", "-1", "1e999", "9" * 5000, "0x" + "f" * 5000, "1979-05-27T07:32:00Z"),
    *("true", '"true"', '""', '"\\u0000"', '"a\\u0000b"', '"../../../etc/passwd"', '"/etc/passwd"', "[]"),
    *("{}", "[[]]", "{ a = { b = 1 } }", '["\\u0000"]', '"' + "x" * 30_000 + '"', "[" * 3000, "'''"),
    *(
        '"/dev/zero"',
        '"pipe"',
        '"bomb.py:open_memory"',
        '"os:system"',
        '"{base}"',
        '"pytest>=1; x"',
        "[1, 'a']",
    ),
    *("[" * 150 + "]" * 150, "a" + ".a" * 3000 + " = 1", '"pytest @ file:///etc/passwd"'),
)
Read = Callable[[Path], object]


def _resolved(path: Path) -> object:
    return resolve(path.name)


def _gathered(path: Path) -> object:
    return gather(Settings(), folder=path.parent, environment={})


SAMPLES: dict[str, tuple[str, str, Read]] = {
    "target": ("x.toml", TARGET, lambda path: load(path, TargetConfig)),
    "resolved": ("x.toml", TARGET, _resolved),
    "known": ("known.toml", KNOWN, lambda path: load(path, KnownFile)),
    "settings": ("pyproject.toml", PYPROJECT, _gathered),
}
each = pytest.mark.parametrize("kind", SAMPLES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    inner = tmp_path / "inner"
    inner.mkdir()
    os.mkfifo(inner / "pipe")
    (inner / "known.toml").write_text(KNOWN, encoding="utf-8")
    monkeypatch.chdir(inner)
    return inner


@each
def test_the_sample_is_read(folder: Path, kind: str) -> None:
    name, sample, read = SAMPLES[kind]
    (folder / name).write_text(sample, encoding="utf-8")
    assert problem_of(folder, lambda: read(folder / name)) is None


@each
@fuzz(12)
@given(data=st.data())
def test_damaged_bytes(folder: Path, kind: str, data: st.DataObject) -> None:
    name, sample, read = SAMPLES[kind]
    sample = sample.replace("isolation_tests.adapters.reference:open_memory", "mcp")
    (folder / name).write_bytes(data.draw(damaged(sample.encode())))
    problem_of(folder, lambda: read(folder / name))


@each
@fuzz(20)
@given(data=st.data())
def test_a_value_of_another_kind(folder: Path, kind: str, data: st.DataObject) -> None:
    name, sample, read = SAMPLES[kind]
    lines = sample.splitlines()
    # What the file names as its adapter is code to run, and what it names as known_from is to be read.
    named = ("adapter", "known_from")
    values = [n for n, line in enumerate(lines) if " = " in line and not line.startswith(named)]
    for _ in range(data.draw(st.integers(1, 2))):
        number = data.draw(st.sampled_from(values))
        lines[number] = f"{lines[number].partition(' = ')[0]} = {data.draw(st.sampled_from(VALUES))}"
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    problem_of(folder, lambda: read(folder / name))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = " + b"[" * 5000, "has more than 100 tables or arrays within each other"),
        (b"a" + b".a" * 5000 + b" = 1", "has more than 100 tables or arrays within each other"),
        (b"name = '\xff'", "is not UTF-8 text"),
        (b"name = ", "is not valid TOML"),
        (None, "can't be read: it is larger than"),
    ],
)
def test_the_bounds_of_a_file(folder: Path, content: bytes | None, told: str) -> None:
    path = folder / "x.toml"
    with path.open("wb") as file:
        file.write(content or b"")
        file.truncate(len(content) if content else 1 << 40)
    problem = problem_of(folder, lambda: load(path, TargetConfig))
    assert isinstance(problem, UsageProblem)
    assert told in str(problem)


@pytest.mark.parametrize("value", ["/dev/zero", "pipe", "a\\u0000b", ".", "nothing.toml", "x" * 30_000])
def test_a_list_of_known_findings_is_a_file(folder: Path, value: str) -> None:
    (folder / "x.toml").write_text(TARGET.replace("known.toml", value), encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"can't be read|There is no file"):
        resolve("x.toml")


@pytest.mark.parametrize("value", ["inf", "nan", "-1.0"])
def test_no_time_limit_is_lifted_by_a_number_that_is_none(folder: Path, value: str) -> None:
    sample = TARGET.replace("consistency_seconds = 1.5", f"call_limit_seconds = {value}")
    (folder / "x.toml").write_text(sample, encoding="utf-8")
    assert "call_limit_seconds" in str(problem_of(folder, lambda: load(folder / "x.toml", TargetConfig)))


def test_a_known_entry_needs_a_date(folder: Path) -> None:
    assert load(folder / "known.toml", KnownFile).known[0].expires == dt.date(2999, 1, 1)
    values = ["'never'", "12", "true", "inf"]
    for value in values:
        (folder / "known.toml").write_text(KNOWN.replace("2999-01-01", value), encoding="utf-8")
        assert problem_of(folder, lambda: load(folder / "known.toml", KnownFile)) is not None
