"""The bridge in shell keeps to the protocol, and its store is held."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.core import packaged
from isolation_tests.engine.run import SMOKE
from isolation_tests.model import Verdict
from isolation_tests.targets.settings import Settings
from meta_tests.asking import ask, only

NOTES = packaged.folder("bridges") / "shell" / "notes.sh"

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="sqlite3 is not installed")


def test_it_fits_on_a_page() -> None:
    assert len(NOTES.read_text(encoding="utf-8").splitlines()) <= 40


def test_it_keeps_to_the_protocol() -> None:
    ran = CliRunner().invoke(main, ["bridge", "check", f"bash {NOTES}"])

    assert ran.exit_code == 0, ran.output
    assert "FAILED" not in ran.output


def test_it_is_held(tmp_path: Path) -> None:
    target = tmp_path / "notes.toml"
    target.write_text(
        'name = "notes"\nadapter = "process"\ndisposable = true\n'
        f"[options]\ncommand = {json.dumps(['bash', str(NOTES)])}\n",
        encoding="utf-8",
    )
    [smoke] = ask(Settings(target=str(target)), only(SMOKE.check))

    assert smoke.verdict is Verdict.HELD, smoke.reason
