"""The catalogue: every id, no empty entry, and an unknown one told."""

from __future__ import annotations

import pytest

from isolation_tests.catalogue import CATALOGUE, anomaly


def test_the_catalogue_has_every_id_and_no_empty_entry() -> None:
    families = {"S": 9, "A": 9, "O": 7, "D": 4, "M": 5, "C": 5, "K": 2, "X": 5}
    ids = {f"{letter}{n}" for letter, count in families.items() for n in range(1, count + 1)} | {
        "completeness"
    }
    assert set(CATALOGUE) == ids
    for entry in CATALOGUE.values():
        assert entry.law.endswith(".")
        assert entry.fix.endswith(".")
        assert entry.controls
        assert entry.visible or entry.note
    assert {entry.id for entry in CATALOGUE.values() if not entry.visible} == {"C5", "X4"}


def test_an_unknown_anomaly_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="choose one of S1"):
        anomaly("Z9")
