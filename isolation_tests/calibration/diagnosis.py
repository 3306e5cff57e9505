"""Why the suite does not catch a seeded fault in front of a target: one phrase each, from the fault's run."""

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
    "every check that could show it ran and held: it may have no effect here, or need `--profile hunt`"
)
Silence = tuple[Verdict, str]
"""The verdict and the reason of a check that neither held nor was violated."""


def silences(anomaly: str, results: Sequence[CheckResult]) -> tuple[Silence, ...]:
    """The checks for an anomaly, or else all that cover it, that neither held nor were violated."""
    return tuple(
        (result.verdict, inert(result.reason))
        for result in _made_for(anomaly, results)
        if result.verdict not in (Verdict.HELD, Verdict.VIOLATED)
    )


def shown(anomaly: str, results: Sequence[CheckResult]) -> frozenset[str]:
    """The keys of the findings by the checks for an anomaly, or else by all that cover it."""
    return frozenset(case.finding.key for result in _made_for(anomaly, results) for case in result.cases)


def refusals(anomaly: str, results: Sequence[CheckResult]) -> str:
    """In how many checks that held the target refused calls, with its error texts; empty if in none."""
    held = [result for result in _made_for(anomaly, results) if result.verdict is Verdict.HELD]
    words = [_refused(result) for result in held]
    if not any(words):
        return ""
    said = Counter(each for words_of_one in words for each in words_of_one).most_common()
    texts = _some(f"{text} ({number})" for text, number in said)
    refusing = sum(map(bool, words))
    return f"the target refused calls in {refusing} of {len(held)} checks that could show it: {texts}"


def _refused(result: CheckResult) -> frozenset[str]:
    events = (event for history in result.histories for event in history.events)
    return frozenset(
        inert(event.error or "", MOST_REFUSAL) for event in events if event.outcome is Outcome.REFUSED
    )


def _made_for(anomaly: str, results: Sequence[CheckResult]) -> list[CheckResult]:
    covering = [result for result in results if anomaly in result.anomalies]
    return [result for result in covering if result.anomalies[0] == anomaly] or covering


def inert(text: str, most: int = MOST_REASON) -> str:
    """A target's text as one short line, without secrets and without terminal control characters."""
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
    """Why a planted fault was not caught under its own name.

    stopped: why the run ended at the smoke test. called: anomalies that were reported instead. silent: checks
    that neither held nor were violated. hidden: findings of the checks for the fault that the target has
    anyway. refused: the calls of such checks that the target refused, in words. asked: the run's profile.
    """
    if stopped:
        return f"the run stops at the smoke test and reports no anomaly: {stopped}"
    causes = [f"found, but reported as {_some(map(_titled, called))}"] if called else []
    for verdict, words in (
        (Verdict.ERROR, "a check that could show it ended in an error"),
        (Verdict.INCONCLUSIVE, "a check that could show it was inconclusive"),
        (Verdict.NOT_SUPPORTED, "a check that could show it was skipped"),
    ):
        reasons = Counter(reason for kind, reason in silent if kind is verdict)
        causes += [f"{words}: {reason}" for reason, _ in reasons.most_common(1)]
    if keys := sorted(hidden):
        causes.append(f"the checks that could show it found what the target already has: {_some(keys)}")
    if refused:
        causes.append(refused)
    if not asked.whole and _left_out(anomaly, asked):
        causes.append(f"profile {asked.name} skips checks that could show it; profile ci runs them")
    return "; ".join(causes) or EVERYTHING_HELD


def _titled(anomaly: str) -> str:
    entry = CATALOGUE.get(anomaly)
    return anomaly if entry is None or entry.name == anomaly else f"{anomaly} {entry.name}"


def _left_out(anomaly: str, asked: Profile) -> bool:
    return any(
        anomaly in entry.covers(cell)
        for entry in all_laws().values()
        for cell in entry.cells
        if cell not in entry.asked(asked, cell.needs)
    )


def why_not_fitting(fault: str, lacking: Sequence[str], fitting: Collection[str]) -> str:
    """Why a fault would have no effect: what the target lacks, and what can't be tested without it.

    lacking: the needs of the fault that are not met. fitting: the faults that can be planted.
    """
    anomaly = FAULTS[fault].anomaly
    missing = " and ".join(f"no {_spelled(need)}" for need in lacking)
    if any(FAULTS[other].anomaly == anomaly for other in fitting):
        return f"{missing}, so {anomaly} can't be planted in this way"
    return f"{missing}, so {anomaly} can't be planted"


def _spelled(need: str) -> str:
    method, _, keyword = need.partition(".")
    if method == "axes":
        return f"{keyword} axes beside the user"
    return "async methods" if need == "async" else f"`{keyword}` in `{method}`" if keyword else f"`{method}`"


def why_masked(anomaly: str, own: Collection[str]) -> str:
    """Why a fault can't be measured. own: the findings that the target has without it."""
    keys = sorted(key for key in own if anomaly_of(key) == anomaly)
    return f"the target already has {anomaly}: {_some(keys)}"


def _some(names: Iterable[str]) -> str:
    given = list(names)
    more = f" and {len(given) - MOST_NAMED} more" if len(given) > MOST_NAMED else ""
    return ", ".join(given[:MOST_NAMED]) + more


def anomaly_of(key: str) -> str:
    """The anomaly in a finding's key."""
    return key.split("-", maxsplit=1)[0]
