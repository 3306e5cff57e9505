"""The search: what it draws is nobody's code."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from isolation_tests.engine.search.drawing import nobodys_constants, search
from isolation_tests.model import FactSpec, Finding, Plan, UserSpec

LITERAL = "sk-live-0f3c9a7d"
EXAMPLES = 1000


@pytest.fixture
def adapter(tmp_path: Path) -> None:
    """A user's module, with a literal that must not leave it."""
    path = tmp_path / "adapter_of_somebody.py"
    path.write_text("\n".join(f"KEY_{n} = 'sk-live-0f3c9a7d{n:04d}'" for n in range(400)), encoding="utf-8")
    # Hypothesis looks at each module once, by its identity, so it stays.
    found = importlib.util.spec_from_file_location(f"adapter_of_somebody_{uuid4().hex}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    text = draw(st.text(max_size=60))
    return Plan(
        name="in-test",
        anomaly="S1",
        users=(UserSpec(group=0),),
        facts=(FactSpec(text=f"{text} {{canary}}", owners=(0,)),),
        steps=(),
    )


def drawn() -> str:
    texts: list[str] = []

    def perform(plan: Plan) -> tuple[Finding, ...]:
        texts.append(plan.facts[0].text)
        return ()

    search(plans(), perform, is_known=lambda _: False, examples=EXAMPLES, shrinks=0, seed=3)
    assert len(texts) > EXAMPLES / 2
    return "\n".join(texts)


@pytest.mark.usefixtures("adapter")
def test_no_literal_of_a_users_module_is_drawn() -> None:
    assert any(LITERAL in str(each) for each in providers._get_local_constants().strings), (
        "Hypothesis no longer collects literals; then this guard can go"
    )
    assert LITERAL not in drawn()


@pytest.mark.usefixtures("adapter")
def test_without_the_guard_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isolation_tests.engine.search.drawing.nobodys_constants", contextlib.nullcontext)
    assert LITERAL in drawn()


def test_a_hypothesis_that_can_not_be_guarded_is_not_searched_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(providers, "CONSTANTS_CACHE")
    said = search(plans(), lambda _: (), is_known=lambda _: False, examples=1, shrinks=0, seed=1)
    assert said is not None
    assert "install another" in said


@pytest.mark.usefixtures("adapter")
def test_afterwards_hypothesis_is_as_before() -> None:
    before = providers._get_local_constants, providers.CONSTANTS_CACHE
    with nobodys_constants():
        assert not providers._get_local_constants().strings
    assert before == (providers._get_local_constants, providers.CONSTANTS_CACHE)
