"""The kill matrix on record: which checks catch each seeded fault, as fixtures/kill_matrix.json keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from isolation_tests.model import Frozen
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, covering, named

RECORD = Path(__file__).parents[2] / "fixtures" / "kill_matrix.json"
PROFILE = "ci"
MEASURE = "python -m meta_tests.calibration.measure"


class Row(Frozen):
    """One fault, and the checks that catch it under its own name with every seed.

    asked: the one that the README's command asks: it catches the fault with the fewest calls, and where
    nothing was asked before. always: every time that it was measured. racy: some of the times. Where nothing
    does always, `asked` is racy too, and is asked until it shows.
    """

    asked: str
    always: tuple[str, ...]
    racy: tuple[str, ...] = ()

    def difference(self, measured: Iterable[str]) -> dict[str, list[str]]:
        """What these checks, measured now, have more and less than the record; races aside."""
        found = {*measured} - {*self.racy}
        new = found - {*self.always} if self.always else ()
        return {"lost": sorted({*self.always} - found), "new": sorted(new)}


class Relation(Frozen):
    """All faults, asked at one profile with the same seeds."""

    about: str
    profile: str
    seeds: tuple[int, ...]
    faults: dict[str, Row]


def read() -> Relation:
    """The relation on record."""
    return Relation.model_validate_json(RECORD.read_text(encoding="utf-8"))


def write(relation: Relation) -> None:
    """Put a relation on record: one check a line, in order."""
    text = json.dumps(relation.model_dump(mode="json"), indent=1, sort_keys=True)
    RECORD.write_text(f"{text}\n", encoding="utf-8")


BROAD = (
    "sequences-stay-apart[",
    "by-id-sequences-stay-apart[",
    "whole-contract-stays-apart[",
    "two-calls-stay-apart[",
    "every-value-stays-apart[",
    "every-pair-stays-apart[",
    "offers-keep-own-facts[",
    "witnesses[",
    "volume-takes-nothing[",
)
"""Laws that draw plans, range over all that a target offers or look at all of it: they meet what is wrong."""
DRAWN = BROAD[:3]
"""Those whose plans are drawn, so that any change of what is drawn changes what they come upon."""


def catching(target: str, seed: int, own: frozenset[str]) -> dict[str, int]:
    """The checks that name one of these anomalies, of all that can, each with its number of calls.

    The broad laws count for the faults that no other law catches.
    """
    return _catching(target, seed, own, broad=False) or _catching(target, seed, own, broad=True)


def _catching(target: str, seed: int, own: frozenset[str], *, broad: bool) -> dict[str, int]:
    can = covering(*own)

    def wanted(check: str, covered: Sequence[str]) -> bool:
        return can(check, covered) and check.startswith(BROAD) is broad

    results = ask(settings_of(target, seed), wanted)
    return {result.check: result.calls for result in results if named([result]) & own}


def settings_of(target: str, seed: int) -> Settings:
    """How each fault is asked."""
    return Settings(target=target, profile=PROFILE, seed=str(seed))
