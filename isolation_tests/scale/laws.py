"""The checks of a scale run: what each of them states, as a run has to report it."""

from __future__ import annotations

from isolation_tests.engine.run import SMOKE
from isolation_tests.model import Level
from isolation_tests.reporting.evidence.evidence import ExpectedCheck

__all__ = ["DELETE", "LAST", "LAWS", "LIST", "RECALL", "SEARCH", "expected", "shard_check"]

PROFILE = "scale"
"""What stands in place of a profile in the evidence of a scale run."""


def _law(name: str, title: str, *anomalies: str) -> ExpectedCheck:
    return ExpectedCheck(
        check=f"scale[{name}]", title=title, anomalies=anomalies, level=Level.SCALE, needs=()
    )


SEARCH = _law("search", "However many users there are, no search and no add shows another user's fact.", "S1")
LIST = _law("get_all", "However many users there are, a list holds the caller's facts and no others.", "S1")
DELETE = _law(
    "delete_all", "However many users there are, a delete removes the caller's facts only.", "D1", "D3"
)
LAST = _law(
    "last-look",
    "When all users are there, each still has what they stored, and sees nothing of others.",
    "S1",
    "completeness",
    "D4",
)
RECALL = _law("own-facts", "However many users there are, each finds their own facts.", "completeness")
LAWS = (SEARCH, LIST, DELETE, LAST, RECALL)


def shard_check(shard: int, shards: int) -> ExpectedCheck:
    """The check that every user of a shard was asked to the end."""
    return _law(f"shard-{shard}-of-{shards}", "Every user of this shard was asked to the end.", "S1")


def expected(shards: int) -> tuple[ExpectedCheck, ...]:
    """All checks that a scale run has to report; those of other shards are reported by these."""
    return (SMOKE, *LAWS, *(shard_check(shard, shards) for shard in range(1, shards + 1)))
