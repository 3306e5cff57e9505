"""Built by hand: plans, cases, results, headers, endings, files of them; and an installed distribution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from xmlschema import XMLSchema

from isolation_tests.model import (
    BoundUser,
    Case,
    CheckResult,
    Event,
    FactSpec,
    Finding,
    History,
    Law,
    Level,
    Operation,
    Plan,
    Step,
    UserSpec,
    Verdict,
)
from isolation_tests.reporting.evidence.evidence import (
    Ending,
    Evidence,
    ExpectedCheck,
    Footer,
    Header,
    TargetInfo,
)
from isolation_tests.reporting.evidence.summary import exit_status, summarise
from isolation_tests.reporting.evidence.writer import EvidenceWriter

JUNIT_SCHEMA = Path(__file__).parent.parent / "fixtures" / "schemas" / "junit-10.xsd"
ALICE, BOB = "iso-r1-5-corp", "iso-r1-5"


def make_plan(*steps: Step, texts: tuple[str, ...] = (), **changes: Any) -> Plan:
    texts = texts or ("My locker code is {canary}", "My dentist is {canary}")
    facts = tuple(FactSpec(text=text, owners=(n % 2,)) for n, text in enumerate(texts))
    fields = {
        "name": "prefix-search",
        "anomaly": "A1",
        "users": (UserSpec(template="{base}-corp"), UserSpec()),
        "facts": facts,
        "steps": steps
        or (
            Step(op=Operation.ADD, user=0, fact=0),
            Step(op=Operation.ADD, user=1, fact=1),
            Step(op=Operation.SEARCH, user=1, query="locker"),
        ),
        "relation": "same-prefix",
    }
    return Plan.model_validate({**fields, **changes})


def make_case(
    plan: Plan | None = None,
    *,
    names: tuple[Any, ...] = (ALICE, BOB),
    events: tuple[Event, ...] = (),
    **changes: Any,
) -> Case:
    plan = plan or make_plan()
    finding = {
        "anomaly": "A1",
        "law": Law.NO_CROSS_READ,
        "operation": plan.steps[-1].op,
        "relation": plan.relation,
        "viewer": 1,
        "owner": 0,
        "step": len(plan.steps) - 1,
        "where": "text",
        "story": "user 1 called search and got a fact of user 0 in text",
    }
    counts = {key: changes.pop(key) for key in ("seen", "tried", "known") if key in changes}
    users = tuple(BoundUser(number=n, name=name) for n, name in enumerate(names))
    return Case(
        finding=Finding.model_validate({**finding, **changes}),
        history=History(plan=plan, users=users, events=events),
        **{"seen": 3, "tried": 3, **counts},
    )


def make_result(
    check: str = "no-cross-read[a]", verdict: Verdict = Verdict.HELD, **changes: Any
) -> CheckResult:
    fields = {
        "check": check,
        "title": "No cross read",
        "anomalies": ("A1",),
        "level": Level.CORE,
        "verdict": verdict,
        "examples": 1,
        "calls": 4,
        "controls": 2,
    }
    return CheckResult.model_validate({**fields, **changes})


def make_header(*results: CheckResult, **changes: Any) -> Header:
    expected = tuple(
        ExpectedCheck(
            check=r.check,
            title=r.title,
            anomalies=r.anomalies,
            level=r.level,
            optional=r.level is not Level.CORE,
        )
        for r in results
    )
    target = TargetInfo(
        name="sample",
        title="Sample memory",
        adapter="sample:open",
        distributions={"sample": "1.2"},
        options={"url": "postgres://u:hunter2@h/db", "api_key": "sk-hunter2"},
    )
    fields = {
        "suite_version": "0.1.0",
        "run_id": "r1",
        "started": "2026-01-02T03:04:05Z",
        "target": target,
        "expected": expected,
        "seed": 42,
        "python": "3.11.7",
        "platform": "Linux",
    }
    return Header(**{**fields, **changes})


ENDING = Ending(
    ended="2026-01-02T03:05:05Z",
    seconds=60.0,
    counts={Verdict.HELD: 1},
    verdict=Verdict.HELD,
    level=Level.CORE,
    exit_status=0,
)


def make_ending(
    header: Header, results: Sequence[CheckResult], stale: tuple[str, ...] = (), **changes: Any
) -> Ending:
    """What the footer of a run with these results says."""
    summary = summarise(header, results, stale)
    fields = {
        "ended": "2026-01-02T03:05:05+00:00",
        "seconds": 60.0,
        "counts": summary.counts,
        "verdict": summary.verdict,
        "level": summary.level,
        "not_run": summary.not_run,
        "unmatched_known": stale,
        "exit_status": exit_status(summary),
    }
    return Ending.model_validate({**fields, **changes})


def make_evidence(
    header: Header, results: Sequence[CheckResult], stale: tuple[str, ...] = (), **changes: Any
) -> Evidence:
    """Evidence as a run with these results leaves it, without a file; changes: of the footer."""
    said = make_ending(header, results, stale).model_dump()
    footer = Footer.model_validate({**said, "records": len(results), "digest": "0" * 64, **changes})
    return Evidence(header=header, results=tuple(results), footer=footer)


def write_run(
    folder: Path, header: Header, *results: CheckResult, stale: tuple[str, ...] = (), **changes: Any
) -> Path:
    """The folder of a run with these results, as a campaign leaves it."""
    with EvidenceWriter(folder, header) as writer:
        for result in results:
            writer.append(result)
        writer.finish(make_ending(header, results, stale, **changes))
    return folder


def write(folder: Path, *results: CheckResult, **changes: Any) -> Path:
    with EvidenceWriter(folder, make_header(*results, **changes)) as writer:
        for result in results:
            writer.append(result)
        return writer.finish(ENDING)


def validate_junit(root: ET.Element) -> None:
    """The file fits the schema, but for properties of single tests, which it knows of suites only."""
    schema = XMLSchema(JUNIT_SCHEMA)
    for case in root.iter("testcase"):
        for own in case.findall("properties"):
            schema.elements["properties"].validate(own)
            case.remove(own)
    for suite in root.iter("testsuite"):
        suite.attrib["time"] = f"{float(suite.attrib['time']):.3f}"
    schema.validate(root)


def install(folder: Path, name: str, *, entry_points: str = "", direct_url: str | None = None) -> None:
    """Put a distribution into a folder, as an installer leaves it; it holds no code."""
    place = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
    (place / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    if direct_url is not None:
        (place / "direct_url.json").write_text(direct_url, encoding="utf-8")
