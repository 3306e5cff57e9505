"""The line in a run's header says about what a dry run says exactly."""

from __future__ import annotations

import pytest

from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.engine.safety.outline import outline
from isolation_tests.engine.safety.rehearsal import rehearse
from isolation_tests.targets.resolve import resolve


def numbers(text: str) -> list[int]:
    return [int(word.replace(",", "")) for word in text.split() if word[0].isdigit()]


@pytest.mark.process
def test_it_agrees_roughly_with_a_dry_run() -> None:
    target, key, profile = resolve("reference"), new_key(3), PROFILES["quick"]
    examiner = Examiner(target, profile, key)
    calls, users = numbers(outline(examiner))
    examiner.close()
    exactly = rehearse(target, profile, key)
    assert 0.6 * exactly.total < calls < 1.6 * exactly.total
    assert 0.6 * exactly.users < users < 1.6 * exactly.users


@pytest.mark.parametrize(("name", "deeds"), [("reference", "read, write and delete"), ("kept", "only read")])
def test_it_says_what_hostile_names_do(name: str, deeds: str) -> None:
    target = resolve("reference" if name == "reference" else "isolation_tests.adapters.reference:open_memory")
    examiner = Examiner(target, PROFILES["quick"], new_key(3))
    assert outline(examiner).endswith(f"hostile names {deeds}")
    examiner.close()
