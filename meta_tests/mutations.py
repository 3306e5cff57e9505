"""What somebody could put into a file or answer that the suite reads, and a watch over what reading does."""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import isolation_tests
from isolation_tests.core.errors import Problem

SECONDS = 20
_FOLDERS = [Path(isolation_tests.__file__).parent, Path(sys.prefix), Path(sys.base_prefix)]
_PROGRAM = [str(folder.resolve()) for folder in _FOLDERS] + [place for place in sys.path if place]
_STARTS = ("os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "subprocess.Popen")
_CHANGES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
_WRITES = frozenset("wax+")
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# JSON that Python's own writer does not write; each stands for the text beside it.
_RAW = {
    "<deep lists>": "[" * 50_000 + "]" * 50_000,
    "<deep objects>": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "<just deep>": "[" * 105 + "]" * 105,
    "<many digits>": "9" * 5000,
    "<infinite>": "1e999",
    "<half a pair>": '"\\ud800"',
    "<text of digits>": f'"{"9" * 5000}"',
    "<long text>": f'"{"x" * 30_000}"',
    "<long reference>": f'"@{"9" * 5000}"',
}
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, -(2**63) - 1, 10**30, 1.5, 1e308, float("nan"), float("inf")),
    *("", " ", "\0", "a\0b", "../../../x", "/etc/passwd", "~/x", "file:///etc/passwd", "\x1b[2J"),
    *("{base}", "{base.__class__}", "{0}", "{canary}", "%s%n", "${HOME}", "$(touch x)", "__import__('os')"),
    *("bomb.py:open_memory", "os:system", "@99", "#99", "~99", "nan", "\u202e"),
    *([], {}, [[]], {"": None}, {"__proto__": 1}, {"$ref": "#"}, [None] * 50, list(range(50))),
    *_RAW,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NASTY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def fuzz(few: int) -> settings:
    """The settings of a test that draws samples; few: how many."""
    unhurried = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=few, suppress_health_check=unhurried, database=None)


def written(value: Any) -> str:
    """A JSON value as text, what Python would not write included."""
    text = json.dumps(value)
    for name, raw in _RAW.items():
        text = text.replace(json.dumps(name), raw)
    return text


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in parts:
        yield from _places(inner, (*above, key))


@st.composite
def changed(draw: st.DrawFn, sample: Any) -> Any:
    """A JSON value with a few parts replaced, removed, repeated or renamed."""
    value = copy.deepcopy(sample)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))[1:]
        if not places:
            return copy.deepcopy(draw(JSON))
        *above, key = places[draw(st.integers(0, len(places) - 1))]
        holder = value
        for step in above:
            holder = holder[step]
        _change(draw, holder, key)
    return value


def _change(draw: st.DrawFn, holder: Any, key: Any) -> None:
    how = draw(st.sampled_from(("nasty", "nasty", "nasty", "any", "gone", "twice", "renamed", "wrapped")))
    if how == "nasty":
        holder[key] = copy.deepcopy(draw(st.sampled_from(NASTY)))
    elif how == "any":
        holder[key] = copy.deepcopy(draw(JSON))
    elif how == "gone":
        del holder[key]
    elif how == "wrapped":
        holder[key] = [holder[key]]
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[draw(st.text(max_size=8))] = copy.deepcopy(holder[key]) if how == "twice" else holder.pop(key)


@st.composite
def swapped(draw: st.DrawFn, sample: Any) -> Any:
    """A JSON value of which two parts have changed places."""
    value = copy.deepcopy(sample)
    places = list(_places(value))[1:]
    one, other = (places[draw(st.integers(0, len(places) - 1))] for _ in range(2))
    shorter = min(len(one), len(other))
    if one[:shorter] != other[:shorter]:
        first, second = _at(value, one), _at(value, other)
        _at(value, one[:-1])[one[-1]], _at(value, other[:-1])[other[-1]] = second, first
    return value


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def sealed(records: Any) -> bytes:
    """Evidence's records as a file whose footer fits, so that what stands in them is really read."""
    if not (isinstance(records, list) and records and isinstance(records[-1], dict)):
        return written(records).encode()
    body = b"".join(written(record).encode() + b"\n" for record in records[:-1])
    footer = dict(records[-1])
    if "digest" in footer:
        footer |= {"digest": hashlib.sha256(body).hexdigest(), "records": len(records) - 2}
    return body + written(footer).encode() + b"\n"


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """Bytes with a few of them changed, inserted, repeated or cut off."""
    content = bytearray(sample)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        how = draw(st.sampled_from(("flip", "insert", "remove", "repeat", "cut")))
        if how == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "insert":
            content[at:at] = draw(st.binary(max_size=8) | st.sampled_from([b"\0", b"\xff\xfe", b"[" * 3000]))
        elif how == "cut":
            del content[at:]
        else:
            part = slice(at, at + draw(st.integers(1, 60)))
            content[part] = b"" if how == "remove" else bytes(content[part]) * 3
    return bytes(content)


_watched: list[tuple[str, str]] | None = None
_others: frozenset[int] = frozenset()
_test = ""


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is None or threading.get_ident() in _others:
        return
    if event == "open" and isinstance(arguments[0], str | bytes | Path):
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        writes = bool(_WRITES & set(arguments[1] or "")) or bool(flags & _CHANGING)
        path = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        _watched.append(("write" if writes else "read", path))
    elif event in _CHANGES:
        _watched.append(("write", str(arguments[0])))
    elif event in _STARTS or event == "socket.connect":
        _watched.append((event, str(arguments)))


sys.addaudithook(_note)


@contextmanager
def contained(folder: Path, *code: Path) -> Iterator[None]:
    """Within this, nothing but the folder is read or written, nothing is started, and it ends in time.

    Python may load modules that it needs. code: files of the test's own that may be loaded, too.
    """
    global _watched, _others  # noqa: PLW0603 - a hook can't be removed, only told to look away
    running = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    _others = frozenset(ident for ident in running if ident is not None)
    seen: list[tuple[str, str]] = []
    _collect_once()
    gc.disable()
    compiles, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watched = seen
    before = signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        _watched = None
        gc.enable()
        sys.dont_write_bytecode = compiles
    inside = folder.resolve()
    for what, place in seen:
        if what == "read" and not Path(place).is_file():
            continue  # a folder that was listed, or a look for what is not there
        path = (Path.cwd() / place).resolve()
        own = what in ("read", "write") and path.is_relative_to(inside) and path.suffix != ".py"
        of_program = path.suffix == ".pyc" or any(
            path.is_relative_to(each) for each in [*_PROGRAM, *map(str, code)]
        )
        assert own or (what == "read" and of_program), (what, place)


def _collect_once() -> None:
    """Let what earlier tests have left be tidied up before the watch begins."""
    global _test  # noqa: PLW0603 - once for each test
    if (test := os.environ.get("PYTEST_CURRENT_TEST", "")) != _test:
        _test = test
        gc.collect()


class TooLate(BaseException):
    """It took too long. No `Exception` and no `OSError`, because what reads a file expects those."""


def _too_late(*_: object) -> None:
    raise TooLate(f"it took more than {SECONDS} seconds")


def problem_of(folder: Path, read: Callable[[], object]) -> Problem | None:
    """The problem that reading something ends with, in one line that can't steer a terminal; None if none."""
    with contained(folder):
        try:
            read()
        except Problem as error:
            text = str(error)
            assert len(text) < 5000, text[:200]
            return error
    return None
