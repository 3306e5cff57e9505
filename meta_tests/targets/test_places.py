"""The file in a target's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation_tests.targets.places import parted, placed


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("mem0", ("mem0", "", "")),
        ("my_app.memory:open_memory", ("my_app.memory:open_memory", "", "")),
        ("staging.toml", ("", "staging.toml", "")),
        ("a/b.py:open_memory", ("", "a/b.py", ":open_memory")),
        ("scoped:a/b.py:open_memory", ("scoped:", "a/b.py", ":open_memory")),
        ("fault:A1-prefix", ("fault:A1-prefix", "", "")),
        ("fault:A1-prefix@mem0", ("fault:A1-prefix@mem0", "", "")),
        ("fault:A1-prefix@scoped:x.toml", ("fault:A1-prefix@scoped:", "x.toml", "")),
        ("me@home/b.py:open_memory", ("", "me@home/b.py", ":open_memory")),
    ],
)
def test_a_name_is_parted_around_its_file(spec: str, parts: tuple[str, str, str]) -> None:
    head, place, tail = parts

    assert parted(spec) == parts
    assert placed(spec, Path("/w")) == (f"{head}/w/{place}{tail}" if place else spec)
    assert placed(placed(spec, Path("/w")), Path("/elsewhere")) == placed(spec, Path("/w"))
