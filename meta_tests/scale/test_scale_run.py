"""A scale run: it holds on a right store, names a leak among many, and refuses what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.core.intervals import upper_bound
from isolation_tests.execution.journal import records
from isolation_tests.model import Verdict
from isolation_tests.reporting.certificates.rejudge import examine
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.scale.lease_file import LEASES_NAME
from isolation_tests.scale.run import Asked, Ended, run
from isolation_tests.targets.settings import Settings
from meta_tests.scale.asked import PLANTED, SEED, figures, pairs, scaled, verdicts

USERS = 120


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of a test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


def test_a_right_store_holds_with_the_bound_of_its_answers(tmp_path: Path) -> None:
    ended = scaled(tmp_path, users=USERS, facts=2)
    found = figures(ended)

    assert ended.status == 0
    assert set(verdicts(ended.evidence).values()) == {Verdict.HELD}
    assert (found.users, found.facts, found.together, found.leaks) == (USERS, 2 * USERS, USERS, 0)
    assert found.answers > 6 * USERS
    assert found.bound == upper_bound(found.answers)
    assert [(one.users, one.asked, one.found) for one in found.deciles] == [(12, 12, 12)] * 10
    assert all(sum(one.add.values()) == 24 for one in found.deciles)
    assert not records()
    assert not (tmp_path / LEASES_NAME).exists()
    examine(read(tmp_path))


def test_the_same_seed_gives_the_same_digest_and_another_one_does_not(tmp_path: Path) -> None:
    one, other = (figures(scaled(tmp_path / str(n), users=60, facts=n)).digest for n in (1, 2))

    assert figures(scaled(tmp_path / "again", users=60, facts=1)).digest == one != other


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("one_pair", ("first=31", "second=110")),
        ("one_pair", ("first=110", "second=31")),
        ("late", ("after=100",)),
        ("untouched", ("others=90",)),
    ],
)
def test_a_leak_among_many_is_found_and_names_the_pair(
    tmp_path: Path, fault: str, options: tuple[str, ...]
) -> None:
    ended = scaled(tmp_path, f"{PLANTED}:{fault}", *options, users=USERS)

    assert ended.status == 1
    assert figures(ended).leaks
    assert {case.finding.anomaly for case in ended.summary.cases} == {"S1"}
    # The store counts its users from 1, and the smoke test has two.
    if fault == "one_pair":
        first, second = (int(option.partition("=")[2]) - 3 for option in options)
        assert pairs(ended) == {(first, second)}
    else:
        assert pairs(ended)
    examine(read(tmp_path))


@pytest.mark.parametrize(
    ("fault", "anomalies"),
    [
        ("D4-ghost-search", {"D4"}),
        ("D1-delete-everyone", {"D1", "completeness"}),
        ("S1-global", {"S1"}),
        ("A1-prefix", {"A1", "S1", "D1"}),
        ("A3-casefold", {"A3", "S1", "D1"}),
    ],
)
def test_ordinary_faults_show_too(tmp_path: Path, fault: str, anomalies: set[str]) -> None:
    ended = scaled(tmp_path, f"fault:{fault}", users=60, facts=2)

    assert ended.status == 1
    assert {case.finding.anomaly for case in ended.summary.cases} & anomalies
    examine(read(tmp_path))


def test_who_came_first_and_makes_room_is_a_loss_that_age_does_not_explain(tmp_path: Path) -> None:
    ended = scaled(tmp_path, "fault:D1-oldest-makes-room", users=600)

    assert verdicts(ended.evidence)["scale[last-look]"] is Verdict.VIOLATED
    assert {case.finding.anomaly for case in ended.summary.cases} == {"completeness"}


def test_with_little_room_the_oldest_leave_and_witnesses_stay(tmp_path: Path) -> None:
    ended = scaled(tmp_path, users=USERS, together=40)

    assert ended.status == 0
    assert figures(ended).users == USERS
    assert figures(ended).together <= 40


def test_sizes_by_zipf_are_skewed(tmp_path: Path) -> None:
    found = figures(scaled(tmp_path, users=USERS, facts=30, sizes="zipf"))

    assert USERS < found.facts < 8 * USERS


def test_a_goal_ends_the_run_as_a_whole_one(tmp_path: Path) -> None:
    ended = scaled(tmp_path, users=USERS, answers=200)

    assert ended.status == 0
    assert 0 < figures(ended).users < USERS
    assert any("200 answers were judged" in note for note in ended.evidence.footer.notes)


def stopped(folder: Path) -> Ended:
    """A run whose budget is spent before its end."""
    settings = Settings(target="reference", seed=SEED, known="none", budget=("requests=700",))
    return run(settings, Asked(USERS), folder)


def test_a_spent_budget_leaves_the_run_unfinished_and_the_next_goes_on(tmp_path: Path) -> None:
    first = stopped(tmp_path)
    assert first.status == 2
    assert "requests is spent" in first.unfinished
    assert (tmp_path / LEASES_NAME).exists()
    assert not records()
    second = scaled(tmp_path, users=USERS)
    assert second.status == 0
    assert figures(second).digest == figures(scaled(tmp_path / "whole", users=USERS)).digest


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"users": 0}, "--users must be 2 to"),
        ({"users": 1}, "one user has nobody"),
        ({"facts": 0}, "--facts must be 1 to 1,000"),
        ({"facts": 5000}, "--facts must be 1 to 1,000"),
        ({"together": 1}, "--together must be 2 to"),
        ({"shard": (3, 2)}, "give a number from 1 to 2"),
        ({"shard": (1, 90)}, "too few for 90 shards"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_one_sentence(
    tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        scaled(tmp_path, **asked)
    assert not [*tmp_path.iterdir()]


def test_the_lease_file_of_another_run_is_refused(tmp_path: Path) -> None:
    stopped(tmp_path)
    with pytest.raises(UsageProblem, match="belongs to a run of 120 users"):
        scaled(tmp_path, users=200)
    (tmp_path / LEASES_NAME).write_bytes(b"no database at all, but a text that is long enough" * 9)
    with pytest.raises(UsageProblem, match="Can't use the lease file"):
        scaled(tmp_path, users=USERS)


def test_a_target_that_can_not_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "narrow.py").write_text(
        "class Narrow:\n    def add(self, user, text): return []\n"
        "    def search(self, user, query, *, limit): return []\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageProblem, match="has no get_all and no delete_all"):
        scaled(tmp_path / "out", f"{tmp_path / 'narrow.py'}:Narrow")


PICKY = '''
from isolation_tests.adapter import Refused
from isolation_tests.adapters.reference import ReferenceStore


class Picky(ReferenceStore):
    """Refuses names with a dot, and does not delete where the user's name ends in a word."""

    def _check(self, user):
        if "." in user:
            raise Refused("No dots.")
        return user

    def add(self, user, text): return super().add(self._check(user), text)
    def search(self, user, query, *, limit): return super().search(self._check(user), query, limit=limit)
    def get_all(self, user): return super().get_all(self._check(user))

    def delete_all(self, user):
        if self._check(user).endswith("BROKEN"):
            raise ConnectionError("reset by peer")
        super().delete_all(user)
'''


def picky(folder: Path, broken: str) -> str:
    """A target that refuses some names, and fails to delete for those that end in a text."""
    (folder / "picky.py").write_text(PICKY.replace("BROKEN", broken), encoding="utf-8")
    return f"{folder / 'picky.py'}:Picky"


def test_a_refused_name_is_no_leftover_and_the_others_hold(tmp_path: Path) -> None:
    ended = scaled(tmp_path / "out", picky(tmp_path, "never"), users=60)

    assert ended.status == 0
    assert figures(ended).facts < 60
    assert sum(result.refused for result in ended.evidence.results) > 0
    assert ended.evidence.footer.cost is not None
    assert ended.evidence.footer.cost.left == 0
    assert not records()


def test_what_can_not_be_deleted_is_told_and_keeps_the_run_from_0(tmp_path: Path) -> None:
    ended = scaled(tmp_path / "out", picky(tmp_path, "-2"), users=60)

    assert (ended.status, ended.summary.verdict) == (2, Verdict.HELD)
    assert ended.evidence.footer.cost is not None
    assert ended.evidence.footer.cost.left == 1
    assert any("cleanup failed for 1 test user" in note for note in ended.evidence.footer.notes)
