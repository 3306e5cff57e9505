"""Runs to certify, and what is asked of them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.engine.check import result_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import SUITE_VERSION, expected_checks
from isolation_tests.model import CheckResult
from isolation_tests.reporting.certificates import signing
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
)
from isolation_tests.reporting.evidence import reader
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    REPORT_NAME,
    ExpectedCheck,
    Header,
    TargetInfo,
)
from isolation_tests.reporting.evidence.sanitising import encode
from isolation_tests.reporting.evidence.strength import Strength, write_strength
from isolation_tests.targets.resolve import resolve
from meta_tests.builders import write_run

CELLS = (
    ("scope-is-applied", "S1-newcomer"),
    ("delete-all-spares-others", "D1-unrelated"),
    ("search-stays-own", "A1-prefix-dash-search-a-acts"),
    ("sequences-stay-apart", "searched"),
    ("ids-need-their-owner", "O1-get"),
    ("handles-are-own", "O7-cursor"),
    ("overlapping-calls-stay-apart", "C1-two-users"),
)
QUICK = PROFILES["quick"]
Lines = list[dict[str, Any]]


def asked(target: str, cells: Sequence[tuple[str, str]] = CELLS) -> tuple[CheckResult, ...]:
    """A few checks of the suite, really performed."""
    key = RunKey(run_id="c0ffee", secret=b"s" * 32, seed=7, began=0.0)
    examiner = Examiner(resolve(target, known="none"), QUICK, key)
    results = []
    for law, name in cells:
        entry = all_laws()[law]
        cell = next(cell for cell in entry.cells if cell.id == name)
        results.append(result_of(examiner, entry, cell))
    examiner.close()
    return tuple(results)


def known(result: CheckResult) -> CheckResult:
    cases = tuple(case.model_copy(update={"known": "told to its maintainers"}) for case in result.cases)
    return result.model_copy(update={"cases": cases})


def expected_of(results: Sequence[CheckResult]) -> tuple[ExpectedCheck, ...]:
    checks = {check.check: check for check in expected_checks(PROFILES["ci"])}
    return tuple(checks[result.check] for result in results)


def header_of(results: Sequence[CheckResult], **changes: Any) -> Header:
    fields: dict[str, Any] = {
        "suite_version": SUITE_VERSION,
        "run_id": "c0ffee",
        "started": "2026-01-02T03:04:05+00:00",
        "target": target_info(),
        "capabilities": ("get", "overlap", "page"),
        "seed": 7,
        "profile": "ci",
        "budget": {"examples": 40, "replays": 3},
        "consistency_seconds": 0.0,
        "expected": expected_of(results),
    }
    return Header(**{**fields, **changes})


def target_info(**changes: Any) -> TargetInfo:
    fields: dict[str, Any] = {
        "name": "sample",
        "title": "Sample memory",
        "adapter": "sample:open",
        "distributions": {"sample": "1.2"},
        "disposable": True,
        "file": "ab" * 32,
    }
    return TargetInfo(**{**fields, **changes})


def write(
    folder: Path, results: Sequence[CheckResult], *, stale: tuple[str, ...] = (), **changes: Any
) -> Path:
    """The folder of a run, as a campaign leaves it."""
    header = header_of(results, **changes) if "expected" not in changes else header_of((), **changes)
    write_run(folder, header, *results, stale=stale)
    (folder / REPORT_NAME).write_text("<!doctype html><title>report</title>", encoding="utf-8")
    write_strength(folder, strength())
    return folder


def strength(**changes: Any) -> Strength:
    fields: dict[str, Any] = {
        "target": "sample",
        "suite_version": SUITE_VERSION,
        "date": dt.date(2026, 1, 1),
        "profile": "ci",
        "seeds": (1,),
        "calls": 10,
        "versions": {"sample": "1.2"},
        "fitting": 9,
        "caught": 9,
    }
    return Strength(**{**fields, **changes})


def questions_of(folder: Path) -> Callable[[str], Sequence[ExpectedCheck]]:
    """As if the suite asked exactly what this folder's run set out to ask."""
    expected = reader.read(folder).header.expected
    return lambda _: expected


def rewritten(folder: Path, change: Callable[[Lines], object], *, consistent: bool = False) -> None:
    """Change the evidence; consistent: with a footer that fits again."""
    path = folder / EVIDENCE_NAME
    lines: Lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(lines)
    if consistent and lines[-1]["kind"] == "footer":
        body = b"".join(encode(line) for line in lines[:-1])
        lines[-1] |= {"records": len(lines) - 2, "digest": hashlib.sha256(body).hexdigest()}
    path.write_bytes(b"".join(encode(line) for line in lines))


def signed_again(folder: Path, change: Callable[[dict[str, Any]], object], signer: Any) -> None:
    """Sign another statement with the right key, as its holder could."""
    path = folder / CERTIFICATE_NAME
    envelope = json.loads(path.read_bytes())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    path.write_bytes(signing.signed(json.dumps(payload).encode(), signer))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["report", *arguments])
