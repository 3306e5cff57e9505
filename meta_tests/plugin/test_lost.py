"""A leak that was seen is not lost: not with a kill, not with a full disk, and not with a worker."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.engine.campaign import Campaign
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.errors import NoFooter
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.sightings import Sightings, read_sightings
from isolation_tests.targets.settings import Settings
from meta_tests.builders import make_case, make_header, make_result, write

SECONDS = 120
LEAKY = "fault:S1-get-all-ignores-user"
RUN = (sys.executable, "-m", "isolation_tests", "run")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["report", *arguments])
    return done.exit_code, done.output


# --- killed ------------------------------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_is_killed_after_a_leak_still_has_it(folder: Path, workers: str) -> None:
    run = subprocess.Popen(
        [*RUN, LEAKY, "--profile", "ci", "-n", workers, "--report", "out"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + SECONDS
    while not read_sightings(folder / "out"):
        assert time.monotonic() < until, "the leak was not written down"
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait(SECONDS)
    status, told = report("page", "out")
    assert (status, "Before it ended, the run was VIOLATED by " in told, "S1-" in told) == (3, True, True)


@pytest.mark.parametrize("place", ["out", "out/evidence.jsonl"])
def test_no_command_takes_an_earlier_run_for_one_that_was_killed(folder: Path, place: str) -> None:
    write(folder / "out", make_result())
    write(folder / "other", make_result())
    assert report("page", "out")[0] == 0
    (folder / "out" / "evidence.jsonl.partial").write_bytes(b"")
    with pytest.raises(NoFooter):
        read(place)
    for arguments in (
        ("page", place),
        ("export", place, "x.md"),
        ("diff", place, "other"),
        ("diff", "other", place),
        ("merge", "new", place, "other"),
    ):
        status, told = report(*arguments)
        assert (status, "has no footer" in told) == (3, True), (arguments, told)


def test_the_message_names_what_the_records_and_sightings_show(folder: Path) -> None:
    found = make_result("a", Verdict.VIOLATED, cases=(make_case(),))
    path = write(folder, found)
    whole = path.read_bytes().splitlines(keepends=True)
    (folder / "evidence.jsonl.partial").write_bytes(b"".join(whole[:2]) + b'{"kind": "check", "che')
    Sightings(folder, 3).add(make_result("b", Verdict.VIOLATED, cases=(make_case(anomaly="O1"),)))
    with pytest.raises(NoFooter) as refused:
        read(folder)
    keys = [make_case(anomaly=name).finding.key for name in ("O1", "A1")]
    assert str(refused.value).endswith(f"Before it ended, the run was VIOLATED by {', '.join(keys)}.")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]\n", b"null\n", b'{"check": 1}\n', b"\xff\n", b"[" * 9999]
)
def test_a_sighting_that_was_cut_or_changed_hides_no_other(folder: Path, content: bytes) -> None:
    found = make_result("b", Verdict.VIOLATED, cases=(make_case(names=("a\ud800", "b")),))
    Sightings(folder, 3).add(found)
    (folder / "evidence.sighted" / "004.jsonl").write_bytes(content)
    assert read_sightings(folder) == [found]


def test_secrets_are_masked_in_what_is_written_early(folder: Path) -> None:
    reason = "postgres://u:hunter2@h/db"
    Sightings(folder, 0).add(make_result("b", Verdict.VIOLATED, cases=(make_case(),), reason=reason))
    assert b"hunter2" not in (folder / "evidence.sighted" / "000.jsonl").read_bytes()


def test_a_new_run_starts_without_the_sightings_of_another(folder: Path) -> None:
    Sightings(folder, 0).add(make_result("b", Verdict.VIOLATED, cases=(make_case(),)))
    write(folder, make_result())
    assert read_sightings(folder) == []
    assert read(folder).header == make_header(make_result())


# --- a worker that is lost ---------------------------------------------------------------------------------


def test_what_a_lost_worker_saw_counts(folder: Path) -> None:
    campaign = Campaign(Settings(target="reference", profile="quick", report="out"))
    campaign.take(campaign.smoke())
    seen = make_result("search-stays-own[x]", Verdict.VIOLATED, cases=(make_case(),))
    Sightings(folder / "out", 7).add(seen)
    assert campaign.finish() == 1
    evidence = read(folder / "out")
    assert [case.finding.key for row in evidence.results for case in row.cases] == [make_case().finding.key]
    assert evidence.footer.verdict is Verdict.VIOLATED


def test_what_was_reported_is_not_counted_twice(folder: Path) -> None:
    campaign = Campaign(Settings(target="reference", profile="quick", report="out"))
    seen: CheckResult = make_result("search-stays-own[x]", Verdict.VIOLATED, cases=(make_case(),))
    Sightings(folder / "out", 7).add(seen)
    campaign.take(seen)
    assert campaign.finish() == 1
    assert len(read(folder / "out").results) == 1


# --- no room -----------------------------------------------------------------------------------------------


def little_room() -> None:
    """Let this process write no file longer than that, which fails as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))


@pytest.mark.process
@pytest.mark.parametrize(("target", "status"), [("reference", 3), (LEAKY, 1)])
def test_a_full_disk_is_one_clear_error_and_hides_no_leak(folder: Path, target: str, status: int) -> None:
    done = subprocess.run(
        [*RUN, target, "--profile", "quick", "-n", "0", "--report", "out"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=little_room,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == status, done.stdout + done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("isolation-tests: ")]
    place = folder / "out"
    assert told == [f"isolation-tests: Can't write to {place} (File too large); choose another folder."]
    assert ("S1 scope-drop" in done.stdout) == (status == 1)
    assert ("VIOLATED, no level" in done.stdout) == (status == 1)


def test_a_folder_that_cannot_be_written_is_told_before_any_call(folder: Path) -> None:
    (folder / "file").touch()
    done = subprocess.run(
        [*RUN, "reference", "--profile", "quick", "-n", "0", "--report", "file/out"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 3
    assert "Can't write to" in done.stderr
    assert "choose another folder" in done.stderr
