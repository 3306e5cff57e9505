"""What a calibration says of each fault that is not told: its cause, from facts."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from isolation_tests.calibration.calibrate import calibrate, narrow_search, run_planted
from isolation_tests.calibration.diagnosis import (
    EVERYTHING_HELD,
    inert,
    refusals,
    silences,
    why_not_fitting,
    why_survived,
)
from isolation_tests.calibration.kill_matrix import CLEAN, Killed, KillMatrix, measured, write_strength
from isolation_tests.core.errors import TargetProblem
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.faults import FAULTS
from isolation_tests.model import CheckResult, History, Level, Verdict
from isolation_tests.reporting.evidence.strength import (
    STRENGTH_NAME,
    BadStrengthError,
    BlindSpot,
    Strength,
    read_strength,
    strength_lines,
)
from isolation_tests.targets.settings import Settings

HISTORIES = Path(__file__).parents[2] / "fixtures" / "histories"
ADAPTER = """
from pathlib import Path

from isolation_tests.adapter import Memory


class Core:
    def __init__(self, most):
        self.rows, self.most = {}, most

    def add(self, user, text):
        row = Memory(id=f"m{sum(map(len, self.rows.values())) + 1}", text=text, raw={})
        self.rows.setdefault(repr(user), []).append(row)
        return [row]

    def search(self, user, query, *, limit):
        return self.get_all(user)[: min(limit, self.most)]

    def get_all(self, user):
        return list(self.rows.get(repr(user), []))

    def delete_all(self, user):
        self.rows.pop(repr(user), None)


def open_memory(most: str = "1000"):
    return Core(int(most))


def open_once():
    Path("opened").touch(exist_ok=False)
    return Core(1000)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result(anomalies: tuple[str, ...], verdict: Verdict, reason: str = "") -> CheckResult:
    return CheckResult(
        check="a", title="a", anomalies=anomalies, level=Level.CORE, verdict=verdict, reason=reason
    )


def survived(anomaly: str = "S4", profile: str = "ci", **told: object) -> str:
    facts: dict[str, object] = {"stopped": "", "called": (), "silent": (), **told}
    return why_survived(anomaly, asked=PROFILES[profile], **facts)  # type: ignore[arg-type]


def test_each_survivor_has_the_cause_that_its_run_tells() -> None:
    assert survived() == EVERYTHING_HELD
    assert survived(called=("A3",)) == "found, but reported as A3 fold"
    assert survived(profile="quick") == "profile quick skips checks that could show it; profile ci runs them"
    silent = [
        (Verdict.NOT_SUPPORTED, "the adapter does not offer async"),
        (Verdict.ERROR, "down"),
        (Verdict.ERROR, "no limit above 100"),
        (Verdict.ERROR, "no limit above 100"),
    ]
    assert survived(silent=silent) == (
        "a check that could show it ended in an error: no limit above 100; "
        "a check that could show it was skipped: the adapter does not offer async"
    )
    assert survived(stopped="no fact was found").endswith("and reports no anomaly: no fact was found")


def test_checks_made_for_an_anomaly_speak_before_those_that_also_cover_it() -> None:
    made = result(("O1", "X2"), Verdict.NOT_SUPPORTED, "the adapter does not offer get")
    drawn = result(("S1", "O1"), Verdict.INCONCLUSIVE, "the search ended early")
    assert silences("O1", [made, drawn]) == ((Verdict.NOT_SUPPORTED, "the adapter does not offer get"),)
    assert silences("O1", [drawn]) == ((Verdict.INCONCLUSIVE, "the search ended early"),)
    assert silences("S1", [result(("S1",), Verdict.HELD)]) == ()


def test_what_the_target_refuses_or_has_by_itself_explains_a_survivor() -> None:
    said = json.loads((HISTORIES / "legal-refused-name.json").read_text(encoding="utf-8"))["history"]
    refused = result(("S6",), Verdict.HELD).model_copy(
        update={"histories": (History.model_validate(said),) * 2}
    )
    words = refusals("S6", [refused, result(("S6",), Verdict.HELD), result(("A1", "S6"), Verdict.HELD)])
    assert words == "the target refused calls in 1 of 2 checks that could show it: Bad name. (1)"
    assert refusals("S6", [result(("S6",), Verdict.HELD)]) == ""
    assert survived(refused=words) == words
    assert survived(hidden={"O1-get-any"}) == (
        "the checks that could show it found what the target already has: O1-get-any"
    )


def test_what_a_target_says_is_kept_short_and_inert() -> None:
    said = inert("\x1b[31mred\nname \u202e\ud800 password=hunter2 " + "x" * 10_000_000)
    assert said.startswith("\\x1b[31mred name \\u202e\\ud800 password=*** xxx")
    assert len(said) < 310


def test_what_does_not_fit_says_what_is_missing() -> None:
    assert why_not_fitting("O1-get-unchecked", ["get"], ()) == "no `get`, so O1 can't be planted"
    assert why_not_fitting("D4-ghost-get", ["get"], ["D4-ghost-search"]) == (
        "no `get`, so D4 can't be planted in this way"
    )
    assert why_not_fitting("O6-key-dropped", ["add.key", "async"], ()) == (
        "no `key` in `add` and no async methods, so O6 can't be planted"
    )


OWN = frozenset({"A9-search-star", "A9-get_all-star"})


@pytest.mark.parametrize(
    ("keys", "drawn", "caught"),
    [
        (("A9-search-star",), (), False),
        (("A9-delete_all-star",), (), True),
        (("A9-delete_all-star",), ("A9-delete_all-star",), False),
        (("A3-search-case", "A9-search-star"), (), False),
        ((), (), False),
    ],
)
def test_an_anomaly_that_the_target_shows_is_told_by_another_finding_only(
    keys: tuple[str, ...], drawn: tuple[str, ...], *, caught: bool
) -> None:
    killed = Killed("A9-star-opens", "A9", keys=keys, drawn=frozenset(drawn), own=OWN)
    assert (killed.caught, killed.masked, killed.survived) == (caught, not caught, False)


def test_what_the_target_shows_hides_nothing_else() -> None:
    killed = Killed("A3-casefold", "A3", keys=("A3-search-case",), drawn=frozenset({"A3-search-case"}))
    assert replace(killed, own=OWN).caught
    assert replace(killed, keys=("A9-search-star",), own=OWN).survived
    assert replace(killed, keys=("C2-search-any",), anomaly="C1").news == ("C2",)


def matrix(*faults: Killed) -> KillMatrix:
    clean = Killed(CLEAN, "", keys=tuple(sorted(OWN)), verdict=Verdict.VIOLATED, calls=5)
    return KillMatrix("reference", clean, faults, "ci", 7)


CAUGHT = Killed("A1-prefix", "A1", keys=("A1-search-dash",), calls=3)
NARROW = tuple(
    Killed(f"S4-pool-of-{size}", "S4", calls=3, cause="limit too small to show S4") for size in (60, 120)
)
MASKED = Killed("A9-star-opens", "A9", keys=("A9-search-star",), own=OWN, cause="the target already has A9")
LACKING = Killed("O1-get-unchecked", "O1", lacking=("get",), cause="no `get`, so O1 can't be planted")


def test_a_cause_is_told_once_for_all_that_it_explains() -> None:
    assert matrix(CAUGHT, *NARROW, MASKED, LACKING).sentence() == (
        "The checks catch 1 of 3 seeded faults planted in front of reference "
        "(1 not planted: the target lacks what the fault needs; "
        "1 not measurable: the target already has the anomaly); "
        "blind spots: S4-pool-of-60, S4-pool-of-120 (limit too small to show S4)."
    )
    assert matrix(CAUGHT).sentence().endswith("; no blind spots.")
    assert not matrix(LACKING).complete


def test_the_strength_is_kept_and_told(tmp_path: Path) -> None:
    kept = matrix(CAUGHT, *NARROW, MASKED, LACKING)
    assert write_strength(tmp_path / "run", kept, Settings(target="reference")).name == STRENGTH_NAME
    strength = read_strength(tmp_path / "run")
    assert strength is not None
    assert (strength.caught, strength.fitting, strength.calls, strength.seeds) == (1, 3, 14, (7,))
    assert not strength.whole
    today = dt.datetime.now(dt.UTC).date()
    assert strength_lines(strength) == [
        "The checks catch 1 of 3 selected seeded faults planted in front of reference.",
        f"Measured on {today} with profile ci and seed 7, in 14 calls.",
        "Blind spot: S4-pool-of-60, S4-pool-of-120: limit too small to show S4",
        (
            "Not planted, because the target lacks a capability: "
            "O1-get-unchecked: no `get`, so O1 can't be planted"
        ),
        "Not measurable: A9-star-opens: the target already has A9",
    ]


def test_all_faults_are_the_whole() -> None:
    everything = matrix(*(replace(CAUGHT, fault=name) for name in FAULTS))
    assert measured(everything, Settings(target="reference")).whole


def test_no_strength_is_no_error_and_a_changed_one_is(tmp_path: Path) -> None:
    assert read_strength(tmp_path) is None
    path = write_strength(tmp_path, matrix(CAUGHT, *NARROW), Settings(target="reference"))
    whole = path.read_text(encoding="utf-8")
    for text in ("", "[]", whole.replace('"caught": 1', '"caught": 3'), "\x00", whole[:100], " " * 5_000_000):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadStrengthError, match="not a strength file of `isolation-tests calibrate`"):
            read_strength(tmp_path)


def test_a_line_of_a_strength_steers_nobody() -> None:
    strength = Strength(
        target="a\x1b[2J\nb",
        suite_version="0",
        date=dt.date(2026, 1, 1),
        profile="ci",
        seeds=(1, 2),
        versions={},
        fitting=1,
        caught=0,
        calls=1,
        blind_spots=(BlindSpot(fault="x", anomaly="S1", cause="\u202e"),),
    )
    first, second, third = strength_lines(strength)
    assert first.endswith("of a\\x1b[2J b.")
    assert "and seeds 1, 2," in second
    assert third == "Blind spot: x: \\u202e"


@pytest.mark.matrix
def test_a_planted_run_ends_when_the_fault_is_caught_and_not_at_what_the_target_has() -> None:
    settings = Settings(target="reference", profile="quick", seed="1")
    soon = run_planted("O1-get-unchecked", settings)
    late = run_planted("O1-get-unchecked", settings, frozenset(soon.keys))
    assert soon.caught
    assert not late.caught or set(late.keys) > set(soon.keys)
    assert late.calls > soon.calls


@pytest.mark.usefixtures("folder")
def test_a_search_that_is_too_narrow_to_show_starvation_is_told() -> None:
    assert narrow_search(Settings(target="adapter.py:open_memory")) is None
    assert narrow_search(Settings(target="adapter.py:open_memory", options=("most=20",))) == (
        "limit too small to show S4: a search with limit 400 returns 20 of 250 matching memories"
    )


@pytest.mark.usefixtures("folder")
def test_a_target_that_can_be_opened_once_only_is_told() -> None:
    with pytest.raises(TargetProblem, match=r"opened once, but not again by a worker: .*File exists"):
        calibrate(Settings(target="adapter.py:open_once", profile="quick"), only=["S1-global"], workers=1)
