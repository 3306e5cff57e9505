"""`replay --as-test`: a test that fails while the leak is there, passes after the fix, and is data only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st

from isolation_tests.cli import main
from isolation_tests.core.errors import ExitStatus
from isolation_tests.model import Operation, Plan, Step, UserSpec
from isolation_tests.reporting.evidence.replay_file import Replay, write_replay
from isolation_tests.reporting.narrative.as_test import Asked, written_test
from meta_tests.builders import make_case, make_plan
from meta_tests.mutations import fuzz
from meta_tests.projects import QUIET, project_of

pytest_plugins = ["pytester"]

STORES = '''
import random
from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.faults import plant

class Empty(ReferenceStore):
    """Shows nothing to anybody."""
    def search(self, user, query, *, limit): return []
    def get_all(self, user): return []

class Rarely(ReferenceStore):
    """One search in ten goes to everybody."""
    chance = random.Random(1)
    def search(self, user, query, *, limit):
        names = self.users() if self.chance.random() < 0.1 else [user]
        return [row for name in names for row in super(Rarely, self).search(name, query, limit=limit)][:limit]

class NoIds(ReferenceStore):
    """Tells no id, so that nothing can be asked with one."""
    def add(self, user, text): return super().add(user, text)[1:]
    def get_all(self, user): return [Memory(None, row.text) for row in super().get_all(user)]
    def search(self, user, query, *, limit): return self.get_all(user)[:limit]

class NoGet(ReferenceStore):
    def get(self, user, id): raise NotImplementedError

class Core:
    """Has no `get`."""
    def __init__(self): self._store = ReferenceStore()
    def add(self, user, text): return self._store.add(user, text)
    def search(self, user, query, *, limit): return self._store.search(user, query, limit=limit)
    def get_all(self, user): return self._store.get_all(user)
    def delete_all(self, user): self._store.delete_all(user)

def nobody(): return plant("S3-none-opens", ReferenceStore())
def clean(): return ReferenceStore()
def leaking(): return plant("A1-prefix", ReferenceStore())
def by_id(): return plant("O1-get-unchecked", ReferenceStore())
def listing(): return plant("S1-get-all-ignores-user", ReferenceStore())
def regional(region, api_key): return clean() if (region, api_key) == ("eu", "hunter22") else leaking()
'''
PLAN = make_plan(
    Step(op=Operation.ADD, user=0, fact=0),
    Step(op=Operation.ADD, user=1, fact=1),
    Step(op=Operation.SETTLE, user=0, fact=0),
    Step(op=Operation.SETTLE, user=1, fact=1),
    Step(op=Operation.SEARCH, user=1, query="locker"),
    relation="prefix-dash",
)
BY_ID = make_plan(
    Step(op=Operation.ADD, user=0, fact=0),
    Step(op=Operation.SETTLE, user=0, fact=0),
    Step(op=Operation.GET, user=1, fact=0),
    users=(UserSpec(group=0), UserSpec(group=1)),
    relation=None,
    anomaly="O1",
)


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with stores to choose from, and no settings around."""
    return project_of(pytester, monkeypatch, stores=STORES)


def finding(
    folder: Path,
    plan: Plan = PLAN,
    *,
    target: str = "stores.py:leaking",
    seen: int = 4,
    options: dict[str, str] | None = None,
    **changes: Any,
) -> Path:
    """A replay file."""
    case = make_case(plan, **changes).model_copy(update={"seen": seen, "tried": 4})
    return write_replay(folder, case, target=target, suite_version="1", versions={}, options=options)


def write(*arguments: object) -> Result:
    """The command, with its file and options."""
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def made(project: Path, made: str, name: str = "isolation_memory") -> None:
    """A conftest.py whose fixture gives a store."""
    (project / "conftest.py").write_text(
        f"import pytest\nimport stores\n\n@pytest.fixture\ndef {name}():\n    return stores.{made}\n",
        encoding="utf-8",
    )


def asked(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Plain pytest on the test that was written."""
    return pytester.runpytest_inprocess(*QUIET, *arguments, "test_leak.py")


@pytest.mark.parametrize(
    ("store", "outcome", "said"),
    [
        (
            "leaking",
            {"failed": 1},
            "E*A1-search-prefix-dash: * got a fact of 'iso-*-corp' from search*, in try 1.",
        ),
        ("leaking()", {"failed": 1}, "E*users are not kept apart on isolation_memory"),
        ("listing", {"failed": 1}, "E*The test is there for A1-search-prefix-dash."),
        ("clean", {"passed": 1}, "*1 passed*"),
        ("clean()", {"passed": 1}, "*1 passed*"),
        ("Empty", {"failed": 1}, "E*nothing is proved about isolation_memory: positive control: *"),
    ],
)
def test_the_fixture_of_the_project_is_asked(
    pytester: pytest.Pytester, project: Path, store: str, outcome: dict[str, int], said: str
) -> None:
    wrote = write(finding(project), "--as-test", "test_leak.py")
    made(project, store)
    result = asked(pytester)

    assert wrote.exit_code == int(ExitStatus.HELD)
    assert wrote.output == (
        "wrote test_leak.py; it tests what your fixture isolation_memory gives: pytest test_leak.py\n"
    )
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines([said])
    assert not [*(project / "state").rglob("run.json")]


def test_the_test_is_read_like_a_report(project: Path) -> None:
    write(finding(project), "--as-test", "test_leak.py")
    source = (project / "test_leak.py").read_text(encoding="ascii")

    for line in (
        "# A1-search-prefix-dash: isolation-tests 1 saw it in 4 of 4 tries.",
        "# What was seen: 'iso-000000-00000001' got a fact of 'iso-000000-00000001-corp' from search*",
        "#     memory.search('iso-000000-00000001', 'locker', limit=100)  # returns a fact of *",
        'FINDING = "A1-search-prefix-dash"',
        "TRIES = 20",
        '        {"op": "add", "user": 0, "fact": 0},',
        '        {"template": "{base}"},  # 1',
        '        {"text": "My locker code is {canary}", "owners": [0]},  # 0',
        "def test_a1_search_prefix_dash_stays_fixed(isolation_replay):",
        "    isolation_replay(PLAN, finding=FINDING, tries=TRIES)",
    ):
        start, star, _ = line.partition("*")
        assert any(each.startswith(start) if star else each == line for each in source.splitlines()), line


def test_a_named_fixture_is_asked(pytester: pytest.Pytester, project: Path) -> None:
    write(finding(project), "--as-test", "test_leak.py", "--fixture", "notes")
    made(project, "leaking()", "notes")
    leaking = asked(pytester)
    made(project, "clean()", "notes")

    leaking.assert_outcomes(failed=1)
    leaking.stdout.fnmatch_lines(["E*users are not kept apart on Merged"])
    asked(pytester).assert_outcomes(passed=1)


def test_a_named_fixture_that_gives_nothing_is_not_replaced_by_another(
    pytester: pytest.Pytester, project: Path
) -> None:
    write(finding(project), "--as-test", "test_leak.py", "--fixture", "notes")
    (project / "conftest.py").write_text(
        "import pytest, stores\n\n@pytest.fixture\ndef notes(): return None\n\n"
        "@pytest.fixture\ndef isolation_memory(): return stores.clean\n",
        encoding="utf-8",
    )
    result = asked(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["The fixture of this test returned None*"])


def test_without_a_fixture_the_test_says_what_to_do(pytester: pytest.Pytester, project: Path) -> None:
    write(finding(project), "--as-test", "test_leak.py")
    result = asked(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["No memory system is given*"])


@pytest.mark.process
@pytest.mark.parametrize(
    ("recorded", "arguments", "outcome"),
    [
        ("fault:A1-prefix", [], {"failed": 1}),
        ("reference", [], {"passed": 1}),
        ("elsewhere.py:open_memory", ["--target", "stores.py:leaking"], {"failed": 1}),
        ("elsewhere.py:open_memory", ["--target", "stores.py:clean"], {"passed": 1}),
        ("fault:A1-prefix", ["--target", "stores.py:clean"], {"passed": 1}),
    ],
)
def test_a_target_is_tested_from_any_folder(
    pytester: pytest.Pytester,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorded: str,
    arguments: list[str],
    outcome: dict[str, int],
) -> None:
    (project / "tests").mkdir()
    wrote = write(finding(project, target=recorded), "--as-test", "tests/test_leak.py", *arguments)
    assert wrote.exit_code == int(ExitStatus.HELD), wrote.output
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    result = pytester.runpytest_subprocess(*QUIET, "../tests/test_leak.py", timeout=60)

    result.assert_outcomes(**outcome)


def test_a_racy_finding_is_asked_as_often_as_a_replay_asks(pytester: pytest.Pytester, project: Path) -> None:
    write(finding(project, seen=1), "--as-test", "test_leak.py")
    tries = (project / "test_leak.py").read_text(encoding="ascii")
    write(finding(project, seen=1), "--as-test", "test_few.py", "--times", 3)
    made(project, "Rarely")

    assert "TRIES = 20\n" in tries
    assert "TRIES = 3\n" in (project / "test_few.py").read_text(encoding="ascii")
    asked(pytester).assert_outcomes(failed=1)


def test_what_a_store_no_longer_offers_does_not_pass(pytester: pytest.Pytester, project: Path) -> None:
    write(finding(project, BY_ID, owner=0), "--as-test", "test_leak.py")
    made(project, "by_id()")
    leaking = asked(pytester)
    made(project, "clean()")
    fixed = asked(pytester)
    made(project, "Core()")
    lacking = asked(pytester)
    made(project, "NoIds()")
    unasked = asked(pytester)
    made(project, "NoGet()")
    absent = asked(pytester)

    leaking.assert_outcomes(failed=1)
    fixed.assert_outcomes(passed=1)
    lacking.assert_outcomes(failed=1)
    unasked.assert_outcomes(failed=1)
    unasked.stdout.fnmatch_lines(["E*nothing is proved*: get was not asked, because the memory gave no id *"])
    absent.assert_outcomes(failed=1)
    absent.stdout.fnmatch_lines(["E*nothing is proved about isolation_memory: *get*"])
    lacking.stdout.fnmatch_lines(["*which does not offer get; if that is meant to stay so, remove the test."])


@pytest.mark.parametrize(("store", "outcome"), [("nobody()", {"failed": 1}), ("clean()", {"passed": 1})])
def test_a_finding_that_only_shows_what_others_stored_is_asked_beside_somebody(
    pytester: pytest.Pytester, project: Path, store: str, outcome: dict[str, int]
) -> None:
    missing = UserSpec(template="null", type="json", hostile=True)
    plan = make_plan(Step(op=Operation.GET_ALL, user=0), users=(missing, UserSpec(group=1)), relation=None)
    write(finding(project, plan, viewer=0, owner=None), "--as-test", "test_leak.py")
    made(project, store)

    asked(pytester).assert_outcomes(**outcome)


def test_hostile_names_need_a_disposable_store(pytester: pytest.Pytester, project: Path) -> None:
    users = (UserSpec(template='"*"', type="json", hostile=True), UserSpec(group=1))
    write(finding(project, make_plan(users=users, relation=None)), "--as-test", "test_leak.py")
    made(project, "clean()")
    spared, allowed = asked(pytester), asked(pytester, "--isolation-disposable")

    spared.assert_outcomes(failed=1)
    spared.stdout.fnmatch_lines(
        ["A1-search-any can't be asked on isolation_memory: *--isolation-disposable*"]
    )
    assert "can't be asked" not in allowed.stdout.str()


@pytest.mark.process
def test_options_are_written_and_secrets_are_not(pytester: pytest.Pytester, project: Path) -> None:
    options = {"region": "eu", "api_key": "hunter22"}
    file = finding(project, target="stores.py:regional", options=options)
    given = ("--as-test", "test_leak.py", "--target", "stores.py:regional")
    lacking, secret = write(file, *given), write(file, *given, "-O", "region=eu", "-O", "api_key=hunter22")
    write(file, *given, "-O", "region=eu")
    source = (project / "test_leak.py").read_text(encoding="ascii")
    unsaid = asked(pytester)
    said = asked(pytester, "--isolation-option", "api_key=hunter22", "--isolation-option", "other=1")

    assert "not trusted with the option 'region'" in lacking.output
    assert "'api_key' looks like a secret" in secret.output
    assert 'OPTIONS = {"region": "eu", "api_key": None}' in source
    assert "hunter22" not in source
    unsaid.assert_outcomes(failed=1)
    unsaid.stdout.fnmatch_lines(["*'api_key' is a secret*--isolation-option KEY=VALUE*"])
    said.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as-test", "leak.py"], "leak.py would not be collected by pytest; name it test_*.py."),
        (["--as-test", "test_there.py"], "test_there.py already exists; *--force."),
        (["--as-test", "test_a.py", "--target", "no-such"], "There is no target 'no-such'*"),
        (["--as-test", "test_a.py", "--target", "a.py:b"], "There is no file a.py*"),
        (
            ["--as-test", "test_a.py", "--target", "reference", "--fixture", "notes"],
            "--fixture and --target both*",
        ),
        (["--as-test", "test_a.py", "--fixture", "a):\n    import os"], "*can't be the name of a fixture*"),
        (["--as-test", "test_a.py", "--fixture", "class"], "*can't be the name of a fixture*"),
        (["--as-test", "test_a.py", "-O", "a=b"], "-O gives an option to a target*"),
        (["--as-test", "test_a.py", "--disposable"], "*do not go with --as-test*"),
        (["--fixture", "notes"], "--fixture and --force go with --as-test only."),
        (["--force"], "--fixture and --force go with --as-test only."),
    ],
)
def test_what_does_not_fit_is_one_sentence(project: Path, arguments: list[str], said: str) -> None:
    there = project / "test_there.py"
    there.write_text("mine", encoding="utf-8")
    result = write(finding(project), *arguments)

    start, _, end = said.partition("*")
    assert result.exit_code == int(ExitStatus.USAGE)
    assert result.output.startswith(f"isolation-tests: {start}")
    assert end.strip("*") in result.output
    assert len(result.output.splitlines()) == 1
    assert there.read_text(encoding="utf-8") == "mine"
    assert not (project / "test_a.py").exists()


def test_an_existing_test_is_replaced_when_told_to(project: Path) -> None:
    there = project / "test_there.py"
    there.write_text("mine", encoding="utf-8")
    result = write(finding(project), "--as-test", there, "--force")

    assert result.exit_code == int(ExitStatus.HELD)
    assert "FINDING" in there.read_text(encoding="utf-8")


NASTY = st.sampled_from(
    [
        '"""\nimport os\nos.abort()\n"""',
        "x\nimport os\nos.abort()",
        "x\rimport os",
        "x\x0cimport os",
        "x\u2028import os",
        "'\"\\",
        "\\",
        "# -*- coding: utf-7 -*-",
        "\u202e{base}\x00",
        "\U0001f600",
        "{canary}" * 9,
        "*" * 40,
    ]
) | st.text(max_size=20)


@fuzz(60)
@given(word=NASTY, other=NASTY)
@example(word='"""\nraise SystemExit\n"""', other="'''")
def test_a_replay_file_of_anybody_becomes_data_and_comments(word: str, other: str) -> None:
    users = (UserSpec(template="{base}" + word), UserSpec(template="{base}" + other))
    steps = (
        Step(op=Operation.ADD, user=0, fact=0, metadata={word: [other, {"a": None, "b": 1.5}]}),
        Step(op=Operation.GET, user=1, fact=0, id_form=word),
        Step(op=Operation.SEARCH, user=1, query=other, filters={other: word}),
    )
    plan = make_plan(*steps, texts=(word, other), users=users, name=word, anomaly=other, relation=word)
    case = make_case(plan, anomaly=other, relation=word, where=word, story=word)
    replay = Replay(
        suite_version=word,
        target=other,
        finding=case.finding,
        plan=plan,
        seen=1,
        tried=1,
        versions={word: other},
    )
    source = written_test(replay, Asked(tries=20))
    tree = ast.parse(source)

    assert source.isascii()
    assert [type(node) for node in tree.body] == [
        ast.Expr,
        ast.Assign,
        ast.Assign,
        ast.Assign,
        ast.FunctionDef,
    ]
    [expected] = [node.value for node in tree.body if isinstance(node, ast.Assign) and _name(node) == "PLAN"]
    assert Plan.model_validate(ast.literal_eval(expected)) == plan
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert source.splitlines()[0].startswith('"""A leak')


def _name(node: ast.Assign) -> str:
    target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def test_a_file_that_is_no_replay_file_is_refused(project: Path) -> None:
    file = finding(project)
    record = json.loads(file.read_bytes())
    file.write_text(json.dumps({**record, "schema_version": 9}), encoding="utf-8")
    result = write(file, "--as-test", "test_leak.py")

    assert result.exit_code == int(ExitStatus.USAGE)
    assert "schema version is 9" in result.output
    assert not (project / "test_leak.py").exists()


@pytest.mark.process
def test_every_finding_of_a_run_becomes_a_test_that_the_fix_passes(
    pytester: pytest.Pytester, project: Path
) -> None:
    target = "fault:A1-prefix"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "isolation_tests",
            "run",
            target,
            "--profile=quick",
            "--workers=0",
            "--report=found",
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    files = sorted((project / "found" / "findings").glob("*.json"))[::3]
    for number, file in enumerate(files):
        assert write(file, "--as-test", f"tests/test_{number}.py").exit_code == int(ExitStatus.HELD)
    leaking = pytester.runpytest_subprocess(*QUIET, "tests", timeout=120)
    for test in (project / "tests").glob("*.py"):
        source = test.read_text(encoding="ascii")
        test.write_text(source.replace(f'"{target}"', '"reference"'), encoding="ascii")
    fixed = pytester.runpytest_subprocess(*QUIET, "tests", timeout=120)

    assert run.returncode == int(ExitStatus.VIOLATED)
    assert files
    leaking.assert_outcomes(failed=len(files))
    fixed.assert_outcomes(passed=len(files))
