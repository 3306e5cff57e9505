"""The fixture `isolation` in people's own projects: what passes, what fails in which words, what is left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from meta_tests.projects import QUIET, project_of

pytest_plugins = ["pytester"]

STORES = '''
import sqlite3
from contextlib import contextmanager

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.faults import plant

class Clean(ReferenceStore):
    pass

class Core:
    """The four methods and nothing else."""
    def __init__(self): self.store = ReferenceStore()
    def add(self, user, text): return self.store.add(user, text)
    def search(self, user, query, *, limit): return self.store.search(user, query, limit=limit)
    def get_all(self, user): return self.store.get_all(user)
    def delete_all(self, user): self.store.delete_all(user)

class Leaking(Core):
    """What everybody has stored, by `_everything`."""
    def _everything(self): return [row for name in self.store.users() for row in self.store.get_all(name)]

class LeaksInSearch(Leaking):
    def search(self, user, query, *, limit): return self._everything()[:limit]

class LeaksByWords(Leaking):
    """Only who asks with the words of a fact gets it."""
    def search(self, user, query, *, limit):
        asked = set(query.lower().split())
        near = [row for row in self._everything() if len(asked & set(row.text.lower().split())) >= 3]
        return [*super().search(user, query, limit=limit), *near][:limit] if not near else near[:limit]

class LeaksInList(Leaking):
    def get_all(self, user): return self._everything()

class LeaksToPrefixes(Leaking):
    """A name reaches the memories of all names that begin with it."""
    def get_all(self, user):
        names = [name for name in self.store.users() if name.startswith(user)]
        return [row for name in names for row in self.store.get_all(name)]

class LeaksOtherTexts(Leaking):
    """A memory that has nothing of the test in it is listed for everybody."""
    def get_all(self, user): return [*super().get_all(user), Memory("shared-1", "Somebody likes tea.")]

class Empty(Core):
    """Stores and shows nothing."""
    def add(self, user, text): return []
    def search(self, user, query, *, limit): return []
    def get_all(self, user): return []

class Forgetting(Core):
    """Returns what it stored, and shows nothing."""
    def search(self, user, query, *, limit): return []
    def get_all(self, user): return []

class MuteSearch(Core):
    def search(self, user, query, *, limit): return []

class MuteList(Core):
    def get_all(self, user): return []

class MuteExport(Clean):
    def export(self, user): return []

class MuteHistory(Clean):
    def history(self, user, id): return []

class NoHistory(Clean):
    def history(self, user, id): raise NotImplementedError

class NoPages(Clean):
    def page(self, user, cursor): raise Refused("not today")

class NoIds(Core):
    """Offers `get`, and tells no id."""
    def add(self, user, text): return [Memory(None, row.text) for row in super().add(user, text)]
    def get_all(self, user): return [Memory(None, row.text) for row in super().get_all(user)]
    def search(self, user, query, *, limit): return self.get_all(user)[:limit]
    def get(self, user, id): return self.store.get(user, id)

class Failing(Core):
    def search(self, user, query, *, limit): raise RuntimeError("password=hunter2")

class Skipping(Core):
    def search(self, user, query, *, limit):
        import pytest
        pytest.skip("not today")

class DeletesAll(Leaking):
    """One user's goodbye is everybody's."""
    def delete_all(self, user):
        for name in self.store.users(): self.store.delete_all(name)

class Keeps(Core):
    def delete_all(self, user): raise OSError("read only")

class Later(Core):
    """Its methods are coroutines."""
    async def add(self, user, text): return self.store.add(user, text)
    async def search(self, user, query, *, limit): return self.store.search(user, query, limit=limit)
    async def get_all(self, user): return self.store.get_all(user)
    async def delete_all(self, user): self.store.delete_all(user)

class InItsThread(Core):
    """Belongs to the thread that made it, as a connection of sqlite3 does."""
    def __init__(self):
        super().__init__()
        self.connection = sqlite3.connect(":memory:")
    def add(self, user, text):
        self.connection.execute("select 1")
        return super().add(user, text)

OPEN = []

@contextmanager
def opening():
    OPEN.append("opened")
    yield Clean()
    OPEN.append("closed")

def cached(): return plant("K1-search-key", ReferenceStore())
def by_id(): return plant("O1-get-unchecked", ReferenceStore())
def versions(): return plant("O4-history-unchecked", ReferenceStore())
def exported(): return plant("X5-export-global", ReferenceStore())
def paged(): return plant("X5-page-global", ReferenceStore())
def counted(): return plant("X1-count-global", ReferenceStore())
'''
CONFTEST = """
import pytest
from stores import *

STORE = {made}

@pytest.fixture(scope="session")
def isolation_memory():
    return STORE
"""
EACH = """
import pytest
from stores import *

STORES = [{stores}]

@pytest.fixture(params=STORES)
def isolation_memory(request):
    return request.param
"""
KNOWN = """
name = "notes"
adapter = "stores.py:by_id"
[[known]]
finding = "O1-get-any"
reason = "our service never exposes ids"
owner = "memory team"
expires = 2999-01-01
"""
AFTERWARDS = """
def test_afterwards():
    import stores, conftest
    for made in conftest.STORES:
        store = getattr(made, "store", made)
        assert not isinstance(store, stores.ReferenceStore) or not store.users()
    assert stores.OPEN == ["opened", "closed"] * 2
"""
APART = "def test_apart(isolation):\n    isolation.assert_apart()\n"


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with stores to choose from, and no settings around."""
    return project_of(pytester, monkeypatch, stores=STORES)


def run(pytester: pytest.Pytester, made: str, test: str = APART, *arguments: str) -> pytest.RunResult:
    """Plain pytest in a project whose fixture gives what the expression `made` says."""
    pytester.makeconftest(CONFTEST.format(made=made))
    pytester.makepyfile(test_own=test)
    return pytester.runpytest_inprocess(*QUIET, *arguments)


def run_each(pytester: pytest.Pytester, stores: Iterable[str], test: str = APART) -> pytest.RunResult:
    """The same test with each of these stores, in their order."""
    pytester.makeconftest(EACH.format(stores=", ".join(stores)))
    pytester.makepyfile(test_own=test)
    return pytester.runpytest_inprocess(*QUIET)


def journals(project: Path) -> list[Path]:
    """The journals of runs that are not cleaned up."""
    return [*(project / "state").rglob("run.json")]


CLEAN = ("Clean()", "Core()", "Clean", "opening", "opening()", "Later()", "InItsThread")


def test_a_store_that_keeps_users_apart_passes_and_is_left_empty(
    pytester: pytest.Pytester, project: Path
) -> None:
    result = run_each(pytester, CLEAN, APART + AFTERWARDS)

    result.assert_outcomes(passed=len(CLEAN) + 1)
    assert not journals(project)


LEAKS = {
    "LeaksInSearch()": "S1-search-any: * 'iso-*' got a fact of * 'iso-*' from search*: *",
    "LeaksByWords()": "S?-search-any: * 'iso-*' got a fact of * from search*: *",
    "LeaksInList()": "S1-get_all-any: * 'iso-*' got a fact of * 'iso-*' from get_all*: *",
    "LeaksToPrefixes()": (
        "A1-get_all-prefix-dash: alice 'iso-*' got a fact of bob 'iso-*-corp' from get_all*: *"
    ),
    "LeaksOtherTexts()": "newcomer 'iso-*' stored nothing, and get_all returned somebody's memory",
    "cached()": "K1-search-any: * 'iso-*' got a fact of * 'iso-*' from search*: *",
    "by_id()": "O1-get-any: * got a fact of * from get*: *",
    "versions()": "O4-history-any: * got a fact of * from history*: *",
    "exported()": "X5-export-any: * got a fact of * from export*: *",
    "paged()": "X5-page-any: * got a fact of * from page*: *",
    "counted()": "X1-count-any: Count gave * a number that is not that of their own memories",
}


def test_a_leak_on_any_surface_fails_and_names_who_saw_what(pytester: pytest.Pytester, project: Path) -> None:
    result = run_each(pytester, LEAKS)
    failures = result.stdout.str().split("FAILURES", 1)[1].split("test_apart[")[1 : 1 + len(LEAKS)]

    result.assert_outcomes(failed=len(LEAKS))
    for failure, said in zip(failures, LEAKS.values(), strict=True):
        matcher = pytest.LineMatcher(failure.splitlines())
        matcher.fnmatch_lines(
            [">*isolation.assert_apart()", "E*AssertionError: users are not kept apart on *"]
        )
        matcher.fnmatch_lines([f"E*{said}"])
    assert "own_tests.py" not in result.stdout.str(), "the traceback ends in the test"
    assert not journals(project)


SILENT = {
    "Empty()": "alice 'iso-*' stored a fact and never saw it in get_all*",
    "Forgetting()": "alice 'iso-*' stored a fact and never saw it in get_all*",
    "MuteList()": "alice 'iso-*' saw a fact only after it was due in get_all*",
    "MuteSearch()": "alice 'iso-*' searched for the text of their own fact and did not find it",
    "Failing()": "search by alice 'iso-*' failed: RuntimeError: *withheld*",
    "InItsThread()": "add by alice 'iso-*' failed: ProgrammingError*",
}


def test_without_a_positive_control_nothing_passes(pytester: pytest.Pytester) -> None:
    result = run_each(pytester, SILENT)

    result.assert_outcomes(errors=len(SILENT))
    result.stdout.fnmatch_lines(
        [f"nothing is proved about isolation_memory: {said}" for said in SILENT.values()]
    )
    assert "hunter2" not in result.stdout.str()


def test_a_control_that_fails_later_fails_too(pytester: pytest.Pytester) -> None:
    test = """
        import conftest
        def test_apart(isolation):
            conftest.STORE.search = lambda user, query, *, limit: []
            isolation.assert_apart()
    """
    result = run(pytester, "Core()", test)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*completeness-search-*: * 'iso-*' misses own facts in search"])


MUTE = {
    "MuteExport()": "completeness-export-any: *",
    "MuteHistory()": "nothing is proved*: alice 'iso-*' got nothing of their own from history",
    "NoPages()": "nothing is proved*: alice 'iso-*' got nothing of their own from page",
    "NoIds()": "nothing is proved*: get was not asked, because the memory gave no id to ask with",
}


def test_a_surface_that_shows_nothing_fails(pytester: pytest.Pytester) -> None:
    result = run_each(pytester, MUTE)

    result.assert_outcomes(failed=len(MUTE))
    result.stdout.fnmatch_lines([f"E*{said}" for said in MUTE.values()])


def test_a_surface_that_the_system_does_not_have_is_left_out(pytester: pytest.Pytester) -> None:
    run(pytester, "NoHistory()").assert_outcomes(passed=1)


def test_an_adapter_can_not_skip_the_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, "Skipping()")

    outcomes = result.parseoutcomes()
    assert {"error", "errors"} & outcomes.keys()
    assert not {"passed", "skipped"} & outcomes.keys()


def test_what_the_test_does_in_between_is_judged(pytester: pytest.Pytester) -> None:
    test = """
        import conftest, pytest

        @pytest.fixture
        def app():
            return conftest.STORE.store

        def test_an_app_that_stores(app, isolation):
            fact = isolation.alice.new_fact()
            app.add(isolation.alice.name, f"Remember: {fact}")
            app.add(isolation.alice.name, "and a thing without a token")
            assert fact in isolation.alice.facts
            isolation.assert_apart()
            app.add(isolation.bob.name, "more")
            isolation.assert_apart()

        def test_an_app_that_stores_nothing(isolation):
            isolation.alice.new_fact()
            with pytest.raises(AssertionError, match="nothing is proved.*add by alice"):
                isolation.assert_apart()

        def test_an_app_that_stores_for_the_wrong_user(app, isolation):
            app.add(isolation.bob.name, isolation.alice.new_fact())
            with pytest.raises(AssertionError, match="bob 'iso-.*' got a fact of alice"):
                isolation.assert_apart()

        def test_one_user_leaves(app, isolation):
            app.add(isolation.alice.name, isolation.alice.new_fact())
            app.delete_all(isolation.alice.name)
            isolation.assert_apart(deleted=isolation.alice)
            app.add(isolation.alice.name, isolation.alice.new_fact())
            isolation.assert_apart()

        def test_both_leave(isolation):
            isolation.memory.delete_all(isolation.alice.name)
            isolation.memory.delete_all(isolation.bob.name)
            isolation.assert_apart(deleted=[isolation.alice, isolation.bob])

        def test_somebody_was_not_deleted(isolation):
            with pytest.raises(AssertionError, match="alice.* deleted"):
                isolation.assert_apart(deleted=isolation.alice)

        def test_somebody_is_lost(app, isolation):
            app.delete_all(isolation.bob.name)
            with pytest.raises(AssertionError, match="completeness-.*[Bb]ob 'iso-.*' misses own facts"):
                isolation.assert_apart()

        def test_an_answer(isolation):
            alice, bob = isolation.alice, isolation.bob
            isolation.assert_unseen({"said": ["nothing", *bob.facts]}, by=bob)
            with pytest.raises(AssertionError, match="bob .* was shown a fact of alice .* in answer.said"):
                isolation.assert_unseen({"said": alice.facts[0].upper()}, by=bob)
            with pytest.raises(TypeError, match="isolation.alice or isolation.bob"):
                isolation.assert_unseen("", by=alice.name)

        def test_the_memory(isolation):
            rows = isolation.memory.get_all(isolation.alice.name)
            assert sorted(row.text for row in rows) == sorted(isolation.alice.facts)
            assert str(isolation.alice) == isolation.alice.name
            with pytest.raises(Exception, match="could reach data that this run did not make"):
                isolation.memory.delete_all("customer-1")

        def test_afterwards(app):
            assert not app.users()
    """
    run(pytester, "Core()", test).assert_outcomes(passed=10)


def test_one_users_goodbye_that_is_everybodys_fails(pytester: pytest.Pytester) -> None:
    """Where a first delete would be tried beside others, the fixture tries it first."""
    test = """
        def test_leaving(isolation):
            isolation.memory.delete_all(isolation.alice.name)
            isolation.assert_apart(deleted=isolation.alice)
    """
    harmed = run(pytester, "DeletesAll()", test)
    disposable = run(pytester, "DeletesAll()", test, "--isolation-disposable")

    harmed.assert_outcomes(errors=1)
    harmed.stdout.fnmatch_lines(["*the first delete also removed what other users stored*"])
    disposable.assert_outcomes(failed=1)
    disposable.stdout.fnmatch_lines(["E*D1-delete_all-*bystander 'iso-*' misses own facts*"])


def test_what_can_not_be_deleted_is_told_and_tried_again_by_the_next_test(
    pytester: pytest.Pytester, project: Path
) -> None:
    left = run(pytester, "Keeps()", APART, "--isolation-disposable")

    left.assert_outcomes(passed=1, errors=1)
    left.stdout.fnmatch_lines(["the memories of 'iso-*' could not be deleted"])
    assert journals(project)

    run(pytester, "Core()").assert_outcomes(passed=1)
    assert not journals(project)


WRONG = {
    "None": "No memory system is given*isolation_memory*--isolation-target*",
    "42": "isolation_memory returned an int;*",
    "object()": "isolation_memory returned an object;*",
    "object": "isolation_memory: the adapter (a object) has no method add, search*",
    "'no-such-target'": "There is no target 'no-such-target'*",
    "'missing.py:open_memory'": "There is no file *missing.py*",
}


def test_a_fixture_that_gives_no_memory_is_one_sentence(pytester: pytest.Pytester) -> None:
    result = run_each(pytester, WRONG)

    result.assert_outcomes(errors=len(WRONG))
    result.stdout.fnmatch_lines([*WRONG.values()])


@pytest.mark.process
@pytest.mark.parametrize(
    ("conftest", "arguments", "outcome"),
    [
        ("", ["--isolation-target=reference"], {"passed": 2}),
        ("", ["--isolation-target=stores.py:Core"], {"passed": 2}),
        ("", ["--isolation-target=stores.py:LeaksInList"], {"failed": 2}),
        ("", ["--isolation-target=fault:O1-get-unchecked"], {"failed": 2}),
        (CONFTEST.format(made="'stores.py:Core'"), [], {"passed": 2}),
        (CONFTEST.format(made="'fault:O1-get-unchecked'"), [], {"failed": 2}),
        (CONFTEST.format(made="'known.toml'"), [], {"passed": 2, "warnings": 2}),
        (CONFTEST.format(made="'known.toml'"), ["--isolation-known=none"], {"failed": 2}),
    ],
)
def test_a_target_that_is_named_is_opened_once(
    pytester: pytest.Pytester, project: Path, conftest: str, arguments: list[str], outcome: dict[str, int]
) -> None:
    (project / "known.toml").write_text(KNOWN, encoding="utf-8")
    pytester.makeconftest(conftest)
    pytester.makepyfile(test_own=APART + APART.replace("test_apart", "test_again"))
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:randomly", *arguments, timeout=60)

    result.assert_outcomes(**outcome)
    assert not journals(project)


@pytest.mark.process
def test_the_projects_own_table_names_the_target_also_with_workers(
    pytester: pytest.Pytester, project: Path
) -> None:
    pytester.makepyprojecttoml('[tool.isolation_tests]\ntarget = "stores.py:Core"\n')
    pytester.makepyfile(test_own=APART + APART.replace("test_apart", "test_again"))
    result = pytester.runpytest_subprocess("-n", "2", timeout=60)

    result.assert_outcomes(passed=2)
    assert not journals(project)


def test_names_can_be_related_in_other_ways(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        @pytest.mark.parametrize("isolation_relation", ["case-first", "suffix"])
        def test_apart(isolation, isolation_relation):
            isolation.assert_apart()

        @pytest.mark.parametrize("isolation_relation", ["case-frist"])
        def test_unknown(isolation): ...

        @pytest.mark.parametrize("isolation_relation", ["like-percent", "negate-bang"])
        def test_hostile(isolation): ...
    """
    result = run(pytester, "Core()", test)

    result.stdout.fnmatch_lines(["The fixture isolation_relation is wrong:*did you mean 'case-first'?"])
    assert result.parseoutcomes()["passed"] >= 2
