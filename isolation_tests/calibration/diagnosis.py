"""Why a seeded fault is not told in front of a target: one phrase each, from what its run says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.inert import plain
from isolation_tests.core.masking import masked_text
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import Profile
from isolation_tests.faults import FAULTS
from isolation_tests.model import CheckResult, Outcome, Verdict

MOST_REASON = 300
MOST_REFUSAL = 90
MOST_NAMED = 4
EVERYTHING_HELD = (
    "all that could show it was asked and held: it may change nothing here, or take profile hunt to show"
)
Silence = tuple[Verdict, str]
"""The verdict of a check that came to none, and its reason."""


def silences(anomaly: str, results: Sequence[CheckResult]) -> tuple[Silence, ...]:
    """Which checks came to no verdict on an anomaly: of those made for it, else of all that cover it."""
    return tuple(
        (result.verdict, inert(result.reason))
        for result in _made_for(anomaly, results)
        if result.verdict not in (Verdict.HELD, Verdict.VIOLATED)
    )


def shown(anomaly: str, results: Sequence[CheckResult]) -> frozenset[str]:
    """The keys of what the checks made for an anomaly, or else all that cover it, found."""
    return frozenset(case.finding.key for result in _made_for(anomaly, results) for case in result.cases)


def refusals(anomaly: str, results: Sequence[CheckResult]) -> str:
    """In how many checks that held the target refused calls, and in which words; empty where in none."""
    held = [result for result in _made_for(anomaly, results) if result.verdict is Verdict.HELD]
    words = [_refused(result) for result in held]
    if not any(words):
        return ""
    said = Counter(each for words_of_one in words for each in words_of_one).most_common()
    told = _some(f"{text} ({number})" for text, number in said)
    return f"{sum(map(bool, words))} of {len(held)} checks that could show it met refused calls: {told}"


def _refused(result: CheckResult) -> frozenset[str]:
    events = (event for history in result.histories for event in history.events)
    return frozenset(
        inert(event.error or "", MOST_REFUSAL) for event in events if event.outcome is Outcome.REFUSED
    )


def _made_for(anomaly: str, results: Sequence[CheckResult]) -> list[CheckResult]:
    covering = [result for result in results if anomaly in result.anomalies]
    return [result for result in covering if result.anomalies[0] == anomaly] or covering


def inert(text: str, most: int = MOST_REASON) -> str:
    """What a target said, as one short line that keeps secrets and steers no terminal."""
    line = " ".join(plain(masked_text(text[: 10 * MOST_REASON])).split())
    return line if len(line) <= most else f"{line[:most]}..."


def why_survived(
    anomaly: str,
    *,
    stopped: str,
    called: Sequence[str],
    silent: Iterable[Silence],
    hidden: Iterable[str] = (),
    refused: str = "",
    asked: Profile,
) -> str:
    """Why a fault that fits was not named.

    stopped: why the run ended at its first story. called: anomalies that were named instead. silent: checks
    that came to no verdict. hidden: what the target has by itself and checks made for it found. refused: the
    calls of such checks that the target refused, in words. asked: the profile of the run.
    """
    if stopped:
        return f"the run stops at its first story and names nothing: {stopped}"
    causes = [f"found, but called {_some(map(_titled, called))}"] if called else []
    for verdict, words in (
        (Verdict.ERROR, "a check that could show it failed"),
        (Verdict.INCONCLUSIVE, "a check that could show it came to no verdict"),
        (Verdict.NOT_SUPPORTED, "a check that could show it was not asked"),
    ):
        reasons = Counter(reason for kind, reason in silent if kind is verdict)
        causes += [f"{words}: {reason}" for reason, _ in reasons.most_common(1)]
    if keys := sorted(hidden):
        causes.append(f"checks that could show it show what the target has by itself: {_some(keys)}")
    if refused:
        causes.append(refused)
    if not asked.whole and _left_out(anomaly, asked):
        causes.append(f"profile {asked.name} leaves out checks that could show it; profile ci asks them")
    return "; ".join(causes) or EVERYTHING_HELD


def _titled(anomaly: str) -> str:
    entry = CATALOGUE.get(anomaly)
    return anomaly if entry is None or entry.name == anomaly else f"{anomaly} {entry.name}"


def _left_out(anomaly: str, asked: Profile) -> bool:
    return any(
        anomaly in entry.covers(cell)
        for entry in all_laws().values()
        for cell in entry.cells
        if cell not in entry.asked(asked)
    )


def why_not_fitting(fault: str, lacking: Sequence[str], fitting: Collection[str]) -> str:
    """Why a fault can make no difference: what the target does not offer, and what then can't be seen.

    lacking: of the fault's needs. fitting: the faults that do fit.
    """
    anomaly = FAULTS[fault].anomaly
    missing = " and ".join(f"no {_spelled(need)}" for need in lacking)
    if any(FAULTS[other].anomaly == anomaly for other in fitting):
        return f"{missing}: {anomaly} can't be planted this way"
    return f"{missing}: {anomaly} can't be seen"


def _spelled(need: str) -> str:
    method, _, keyword = need.partition(".")
    return "async methods" if need == "async" else f"`{keyword}` in `{method}`" if keyword else f"`{method}`"


def why_masked(anomaly: str, own: Collection[str]) -> str:
    """Why naming an anomaly says nothing of a fault. own: the findings that the target has by itself."""
    keys = sorted(key for key in own if anomaly_of(key) == anomaly)
    return f"the target shows {anomaly} by itself: {_some(keys)}"


def _some(names: Iterable[str]) -> str:
    given = list(names)
    more = f" and {len(given) - MOST_NAMED} more" if len(given) > MOST_NAMED else ""
    return ", ".join(given[:MOST_NAMED]) + more


def anomaly_of(key: str) -> str:
    """The anomaly in a finding's key."""
    return key.split("-", maxsplit=1)[0]
