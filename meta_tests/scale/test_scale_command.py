"""`isolation-tests scale` as it is typed, and the commands that read its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isolation_tests.cli import main
from meta_tests.scale.asked import PLANTED

FORMATS = ("out.md", "out.csv", "out.ctrf.json", "out.sarif", "out.oscal.json", "out.badge.json", "out.html")


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_it_tells_the_bound_the_recall_and_the_verdict(tmp_path: Path) -> None:
    ran = typed("scale", "reference", "--users", "60", "--seed", "1", "--report", str(tmp_path))

    assert ran.exit_code == 0, ran.output
    for told in ("another user's fact in 0 of ", " at 95 % (Clopper-Pearson)", "54 to 60", "100 %", "HELD, "):
        assert told in ran.output, ran.output
    page = typed("report", "page", str(tmp_path))
    assert page.exit_code == 0
    assert "scale: 60 users" in page.output
    assert "Scale run" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_violation_leads_to_the_command_and_to_every_format(tmp_path: Path) -> None:
    asked = ["-O", "first=9", "-O", "second=30", "--users", "60", "--seed", "1", "--disposable"]
    ran = typed("scale", f"{PLANTED}:one_pair", *asked, "--report", str(tmp_path))

    assert ran.exit_code == 1, ran.output
    assert f"isolation-tests scale {PLANTED}:one_pair --users 60" in ran.output
    exported = typed("report", "export", str(tmp_path), *(str(tmp_path / name) for name in FORMATS))
    assert exported.exit_code == 0, exported.output
    assert all((tmp_path / name).stat().st_size for name in FORMATS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--users", "0"], "--users must be 2 to"),
        (["--users", "60", "--shard", "half"], "--shard must be a part and the number of parts"),
        (["--users", "60", "--dask", "tcp://127.0.0.1:1"], "--dask and --shards go together"),
        (["--users", "60", "--shards", "2"], "--dask and --shards go together"),
        (["--users", "60", "--shard", "1/2"], "Give --seed with --shard"),
        pytest.param(["--users", "60", "-n", "2"], "run with -n 1", marks=pytest.mark.process),
    ],
)
def test_what_makes_no_sense_ends_with_3_and_one_sentence(
    tmp_path: Path, words: list[str], said: str
) -> None:
    ran = typed("scale", "reference", *words, "--report", str(tmp_path / "out"))

    assert ran.exit_code == 3, ran.output
    assert said in ran.output
    assert not (tmp_path / "out" / "evidence.jsonl").exists()
