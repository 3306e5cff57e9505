"""Targets: every way of naming one, what is said of wrong names, and faults in front of every factory."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import pytest

from isolation_tests.calibration.calibrate import calibrate
from isolation_tests.core.errors import Problem, TargetProblem, UsageProblem
from isolation_tests.engine.examination import examine
from isolation_tests.model import Verdict
from isolation_tests.targets.resolve import ENTRY_POINTS, Target, listed, resolve
from isolation_tests.targets.settings import Settings
from meta_tests.builders import install

ADAPTER = '''
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from isolation_tests.adapters.reference import ReferenceStore

class Core:
    """The four methods and nothing else."""
    def __init__(self): self._store = ReferenceStore()
    def add(self, user, text): return self._store.add(user, text)
    def search(self, user, query, *, limit): return self._store.search(user, query, limit=limit)
    def get_all(self, user): return self._store.get_all(user)
    def delete_all(self, user): return self._store.delete_all(user)

class Async:
    def __init__(self): self._store = ReferenceStore()
    async def add(self, user, text): return self._store.add(user, text)
    async def search(self, user, query, *, limit): return self._store.search(user, query, limit=limit)
    async def get_all(self, user): return self._store.get_all(user)
    async def delete_all(self, user): return self._store.delete_all(user)

def plain(): return Core()
async def coroutine(): return Core()
async def coroutine_of_async(): return Async()

@contextmanager
def context(): yield Core()

@asynccontextmanager
async def acontext(): yield Async()

async def coroutine_of_context(): return acontext()

@contextmanager
def context_of_async(): yield Async()

class Told(Core):
    """Lists what its factory was told."""
    def __init__(self, said): super().__init__(); self._said = said
    def get_all(self, user):
        return [replace(row, text=self._said) for row in super().get_all(user)]

def options(url, *, mode="fast"): return Told(f"{url} {mode}")
def anything(**more): return Told(" ".join(f"{key}={value}" for key, value in more.items()))
def raising(): raise ValueError("no such region")
def unreachable(): raise ConnectionError("connection refused: db.invalid:5432")
def leaving(): raise SystemExit(0)
def lacking(): return object()
def none(): return None
def needs_package(): import surely_not_installed_xyz
number = 3
'''
FACTORIES = (
    "plain",
    "coroutine",
    "coroutine_of_async",
    "context",
    "acontext",
    "coroutine_of_context",
    "context_of_async",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder with an adapter in it; imports leave no trace."""
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("isolation_target_"):
            del sys.modules[name]


def toml(folder: Path, text: str) -> str:
    (folder / "x.toml").write_text(text, encoding="utf-8")
    return "x.toml"


def opened(target: Target) -> list[str]:
    """What a new user who stored a fact has then, once the target is open."""
    session, user = target.open(), uuid4().hex
    try:
        session.call("add", user, "a fact")
        return [row.text for row in session.call("get_all", user)]
    finally:
        session.close()


def test_each_kind_of_name_resolves(folder: Path) -> None:
    toml(folder, 'name = "x"\nadapter = "adapter.py:plain"\n')
    reference = "isolation_tests.adapters.reference:open_memory"
    for spec in (
        "reference",
        "fault:A1-like",
        "fault:A1-like@x.toml",
        "x.toml",
        "adapter.py:plain",
        reference,
    ):
        assert opened(resolve(spec)) == ["a fact"]


def test_a_module_in_the_working_folder_is_found(folder: Path) -> None:
    (folder / "my_own_adapter_module.py").write_text(ADAPTER, encoding="utf-8")
    target = resolve("my_own_adapter_module:plain")
    assert target.name == "my_own_adapter_module:plain"


def test_a_targets_file_is_looked_up_from_the_toml(folder: Path) -> None:
    below = folder / "below"
    below.mkdir()
    (folder / "adapter.py").rename(below / "adapter.py")
    toml(below, 'name = "x"\nadapter = "adapter.py:plain"\n')
    assert opened(resolve("below/x.toml")) == ["a fact"]


def test_an_entry_point_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = "isolation_tests.adapters.reference:open_memory"
    install(tmp_path, "shop", entry_points=f"[{ENTRY_POINTS}]\nshop = {factory}\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert opened(resolve("shop")) == ["a fact"]
    assert ("shop", f"entry point {factory}", "ready") in listed()
    with pytest.raises(UsageProblem, match="did you mean 'shop'"):
        resolve("shopp")


def test_what_stands_behind_a_target_is_named(folder: Path) -> None:
    assert resolve("reference").versions() == {"isolation-tests": metadata.version("isolation-tests")}
    (name, digest), *_ = resolve("adapter.py:plain").versions().items()
    assert name == "adapter.py"
    assert re.fullmatch("sha256 [0-9a-f]{12}", digest)
    assert "reference.toml" in resolve("reference").source


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("refrence", "did you mean 'reference'?"),
        ("zzz", "`isolation-tests targets` lists"),
        ("fault:A1", "did you mean 'fault:A1-"),
        ("fault:A1-lik", "did you mean 'fault:A1-like'?"),
        ("fault:nonsense", "`isolation-tests targets` lists"),
        ("fault:A1-like@zzz", "There is no target 'zzz'"),
        ("adapter.py", "write adapter.py:FACTORY"),
        ("adapter.py:", "write module:factory"),
        ("missing.py:plain", "There is no file missing.py"),
        ("missing.toml", "There is no file missing.toml"),
        ("no_such_module_xyz:plain", "There is no module 'no_such_module_xyz'"),
        ("adapter.py:plian", "did you mean 'plain'?"),
        ("adapter.py:number", "is not callable"),
        (".toml", "There is no file .toml"),
    ],
)
def test_a_wrong_name_is_told_in_one_sentence(folder: Path, spec: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(told)) as caught:
        resolve(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def open_memory(:\n", "bad.py is not valid Python: "),
        ("import surely_not_installed_xyz\n", "imports 'surely_not_installed_xyz'"),
        ("from . import neighbour\n", "package.module:factory"),
        ("raise SystemExit(0)\n", "__main__"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_an_adapter_that_cant_be_imported_is_told_in_one_sentence(folder: Path, code: str, told: str) -> None:
    (folder / "bad.py").write_text(code, encoding="utf-8")
    for spec in ("bad.py:open_memory", toml(folder, 'name = "x"\nadapter = "bad.py:open_memory"\n')):
        with pytest.raises(UsageProblem, match=re.escape(told)) as caught:
            resolve(spec)
        assert "\n" not in str(caught.value)
    assert "isolation_target_bad" not in sys.modules


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "x\n', "not valid TOML"),
        ('name = "x"\n', "adapter: Field required"),
        ('name = "x"\nadapter = "a.py:b"\ndisposible = true\n', "did you mean 'disposable'?"),
        ('name = "x"\nadapter = "a.py:b"\nbanana = 1\n', "there is no key 'banana'; the keys are name"),
        ('name = "x"\nadapter = "a.py:b"\nconsistency_seconds = "soon"\n', "consistency_seconds"),
        ('name = "x"\nadapter = "a.py:b"\ncall_limit_seconds = 0\n', "call_limit_seconds"),
        (
            'name = "x"\nadapter = "a.py:b"\n[names]\naliases = ["trailing-spce"]\n',
            "did you mean 'trailing-space'",
        ),
        (
            'name = "x"\nadapter = "a.py:b"\n[[known]]\nfinding = "Q1-x-y"\n',
            "must begin with the id of an anomaly",
        ),
        ('name = "x"\nadapter = "a.py:b"\n[[known]]\nfindin = "A1"\n', "known.0.finding: Field required"),
    ],
)
def test_a_wrong_target_file_is_told_in_one_sentence(folder: Path, text: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(told)) as caught:
        resolve(toml(folder, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("x.toml")


@pytest.mark.parametrize(
    ("factory", "options", "kind", "told"),
    [
        ("plain", {"url": "x"}, UsageProblem, "has no option 'url'; it takes none"),
        ("options", {"url": "x", "mod": "y"}, UsageProblem, "did you mean 'mode'?"),
        ("options", {}, UsageProblem, "needs the option 'url'; pass it with -O"),
        ("raising", {}, TargetProblem, "ValueError: no such region"),
        ("unreachable", {}, TargetProblem, "connection refused: db.invalid:5432"),
        ("leaving", {}, TargetProblem, "ended the process"),
        ("lacking", {}, TargetProblem, "has no method add, search"),
        ("none", {}, TargetProblem, "has no method add"),
        ("needs_package", {}, UsageProblem, "surely_not_installed_xyz"),
    ],
)
def test_a_target_that_cant_be_opened_is_told_in_one_sentence(
    folder: Path, factory: str, options: dict[str, str], kind: type[Problem], told: str
) -> None:
    for spec in (f"adapter.py:{factory}", f"fault:A1-like@adapter.py:{factory}"):
        with pytest.raises(kind, match=re.escape(told)) as caught:
            resolve(spec, options=options).open()
        assert "\n" not in str(caught.value)


def test_options_reach_the_factory(folder: Path) -> None:
    assert opened(resolve("adapter.py:options", options={"url": "x", "mode": "y"})) == ["x y"]
    assert opened(resolve("adapter.py:anything", options={"what": "ever"})) == ["what=ever"]


def test_a_missing_package_names_the_extra(folder: Path) -> None:
    spec = toml(folder, 'name = "x"\nadapter = "adapter.py:needs_package"\nextra = "shop"\n')
    with pytest.raises(UsageProblem, match=re.escape('pip install "isolation-tests[shop]"')):
        resolve(spec).open()
    (folder / "bad.py").write_text("import surely_not_installed_xyz\n", encoding="utf-8")
    spec = toml(folder, 'name = "x"\nadapter = "bad.py:plain"\nextra = "shop"\n')
    with pytest.raises(UsageProblem, match=re.escape('pip install "isolation-tests[shop]"')):
        resolve(spec)


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_fault_is_caught_in_front_of_every_kind_of_factory(folder: Path, factory: str) -> None:
    session = resolve(f"fault:S1-global@adapter.py:{factory}").open()
    try:
        session.call("add", "alice", "a fact")
        assert [row.text for row in session.call("get_all", "bob")] == ["a fact"]
    finally:
        session.close()


def test_examining_asks_a_context_manager_with_a_fault_planted(folder: Path) -> None:
    settings = Settings(target="fault:S1-get-all-ignores-user@adapter.py:context", profile="quick")
    results = examine(settings, until="S1")
    named = {case.finding.anomaly for result in results for case in result.cases}
    assert "S1" in named
    assert Verdict.worst(result.verdict for result in results) is Verdict.VIOLATED


def test_certify_stops_where_a_run_would(folder: Path) -> None:
    (folder / "mute.py").write_text(
        f"{ADAPTER}\nclass Mute(Core):\n    def search(self, user, query, *, limit): return []\n",
        encoding="utf-8",
    )
    results = examine(Settings(target="mute.py:Mute", profile="quick"))
    assert [result.verdict for result in results] == [Verdict.INCONCLUSIVE]


@pytest.mark.matrix
def test_a_fault_that_does_not_fit_is_no_survivor(folder: Path) -> None:
    matrix = calibrate(
        Settings(target="adapter.py:context", profile="quick"),
        only=("S1-get-all-ignores-user", "O4-history-unchecked"),
        workers=1,
    )
    caught, other = matrix.faults
    assert (caught.caught, caught.fits, other.fits) == (True, True, False)
    assert matrix.complete
    assert matrix.sentence().startswith(
        "The checks catch 1 of 1 seeded faults planted in front of adapter.py:context (1 not planted: "
    )


def test_an_unknown_fault_is_not_calibrated() -> None:
    with pytest.raises(UsageProblem, match="no seeded fault 'nonsense'"):
        calibrate(Settings(target="reference"), only=("nonsense",))
