"""The ledger: one account for all processes of a run, or an error that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation_tests.execution.ledger import Ledger, LedgerProblem


def test_two_processes_share_one_account(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path / "account"), Ledger(tmp_path / "account")
    with one.account() as account:
        account.requests += 2
    with other.account() as account:
        account.requests += 3
    assert one.read().requests == 5
    one.close()
    other.close()


def test_an_account_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerProblem, match="make room there, or set TMPDIR"):
        Ledger(tmp_path / "nowhere" / "account")


def test_what_failed_within_is_not_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "account")
    with pytest.raises(AttributeError), ledger.account() as account:
        account.requests, account.nothing = 7, 1  # type: ignore[attr-defined]
    assert ledger.read().requests == 0
    ledger.close()
