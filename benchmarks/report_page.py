"""How large the page of a large run is, and how long Chromium takes to open it.

    python benchmarks/report_page.py --browser /usr/bin/chromium

The evidence is made up: 10,000 events and 500 findings, or as many as are asked for. Needs the extra `dev`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import click

from isolation_tests.catalogue import CATALOGUE
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
    Outcome,
    Plan,
    Row,
    Sighting,
    Step,
    UserSpec,
    Verdict,
)
from isolation_tests.reporting.evidence.evidence import Evidence, ExpectedCheck, Footer, Header, TargetInfo
from isolation_tests.reporting.html.page import write_html

EVENTS, FINDINGS, TIMES = 10_000, 500, 5
DIGEST = "0" * 64
RELATIONS = ("prefix-dash", "case-first", "homoglyph", "trailing-space", "long-256")
SUFFIXES = ("-corp", "-Foo", "-p\N{CYRILLIC SMALL LETTER A}l", " ", "-" + "x" * 256)


def large_evidence(events: int = EVENTS, findings: int = FINDINGS) -> Evidence:
    """Evidence of so many findings that share so many events; every fifth finding is a concurrent one."""
    each = events // findings
    anomalies = [name for name, entry in CATALOGUE.items() if entry.visible]
    results = tuple(
        _violated(number, anomalies[number % len(anomalies)], each, concurrent=number % 5 == 0)
        for number in range(findings)
    )
    expected = tuple(
        ExpectedCheck(check=r.check, title=r.title, anomalies=r.anomalies, level=r.level) for r in results
    )
    header = Header(
        suite_version="0.1.0",
        run_id="made-up",
        started="2026-01-01T00:00:00+00:00",
        target=TargetInfo(name="made-up", title="a made-up system", adapter="made_up:open_memory"),
        expected=expected,
        seed=1,
    )
    footer = Footer(
        ended="2026-01-01T00:10:00+00:00",
        seconds=600.0,
        counts={Verdict.VIOLATED: findings},
        verdict=Verdict.VIOLATED,
        level=None,
        exit_status=1,
        records=findings,
        digest=DIGEST,
    )
    return Evidence(header=header, results=results, footer=footer)


def _violated(number: int, anomaly: str, events: int, *, concurrent: bool) -> CheckResult:
    case = _case(number, anomaly, events, concurrent=concurrent)
    return CheckResult(
        check=f"made-up[{number}]",
        title="Nothing crosses.",
        anomalies=(anomaly,),
        level=Level.CORE,
        verdict=Verdict.VIOLATED,
        cases=(case,),
        examples=1,
        calls=events,
        controls=1,
    )


def _case(number: int, anomaly: str, events: int, *, concurrent: bool) -> Case:
    operations = (Operation.ADD, Operation.GET_ALL, Operation.SEARCH)
    steps = tuple(
        Step(
            op=operations[(n + n // 7) % 3],
            user=n % 2,
            fact=n % 2,
            lane=n % 2 if concurrent and n else None,
        )
        for n in range(events - 1)
    )
    last = Step(op=Operation.SEARCH, user=0, fact=1, lane=0 if concurrent else None)
    plan = Plan(
        name="made-up",
        anomaly=anomaly,
        users=(UserSpec(), UserSpec(template="{base}" + SUFFIXES[number % len(SUFFIXES)])),
        facts=tuple(FactSpec(text=f"Fact {n} is {{canary}}", owners=(n,)) for n in range(2)),
        steps=(*steps, last),
        relation=RELATIONS[number % len(RELATIONS)],
    )
    name = f"iso-made-up-{number:08x}"
    users = (
        BoundUser(number=2 * number, name=name),
        BoundUser(number=2 * number + 1, name=name + SUFFIXES[number % 5]),
    )
    happened = tuple(_event(number, n, step, foreign=step is last) for n, step in enumerate(plan.steps))
    finding = Finding(
        anomaly=anomaly,
        law=Law.NO_CROSS_READ,
        operation=Operation.SEARCH,
        relation=f"{plan.relation}-{number}",
        viewer=0,
        owner=1,
        step=events - 1,
        where="raw.payload.data",
        story="user 0 got a fact of user 1",
    )
    return Case(
        finding=finding,
        history=History(plan=plan, users=users, events=happened),
        seen=3 if number % 10 == 0 else 4,
        tried=4,
    )


def _event(number: int, place: int, step: Step, *, foreign: bool) -> Event:
    started = number + place * 0.01
    seen = Sighting(user=1 if foreign else step.user, fact=0, where="raw.payload.data")
    return Event(
        step=place,
        op=step.op,
        user=step.user,
        outcome=Outcome.OK,
        started=started,
        ended=started + 0.005 + 0.001 * (place % 13),
        worker="w1" if step.lane is None else f"w1-{step.lane}",
        rows=(Row(id=f"{number}-{place}", text=f"Fact {step.user} is a canary", sightings=(seen,)),),
    )


@click.command()
@click.option("--browser", default="/usr/bin/chromium", show_default=True, help="The browser's program.")
@click.option("--events", default=EVENTS, show_default=True)
@click.option("--findings", default=FINDINGS, show_default=True)
@click.option("--times", default=TIMES, show_default=True, help="How often the page is opened.")
def main(browser: str, events: int, findings: int, times: int) -> None:
    """Write a large page, and print its size and the seconds that writing and opening it take."""
    evidence = large_evidence(events, findings)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        page = write_html(evidence, Path(folder) / "report.html")
        written = time.perf_counter() - began
        opened, busy = _opened(browser, page, times)
        size = page.stat().st_size / 1e6
    click.echo(f"{events} events, {findings} findings: {size:.2f} MB, written in {written:.1f} s")
    typical, longest = statistics.median(opened), max(opened)
    click.echo(f"opened and painted in {typical:.2f} s (median of {times}), at most {longest:.2f} s")
    click.echo(f"of which the browser's main thread worked for {statistics.median(busy):.2f} s")


def _opened(browser: str, page: Path, times: int) -> tuple[list[float], list[float]]:
    """Seconds until the page was painted, each time in a fresh tab, and those that its main thread worked."""
    from playwright.sync_api import sync_playwright

    seconds, busy = [], []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for _ in range(times):
            tab = chromium.new_page(viewport={"width": 1280, "height": 900})
            devtools = tab.context.new_cdp_session(tab)
            devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
            began = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="load")
            tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            seconds.append(time.perf_counter() - began)
            figures = devtools.send("Performance.getMetrics")["metrics"]
            busy += [figure["value"] for figure in figures if figure["name"] == "TaskDuration"]
            tab.close()
        chromium.close()
    return seconds, busy


if __name__ == "__main__":
    main()
