"""A run in words and on its page: whole, and inert whatever a target said."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.inert import plain
from isolation_tests.model import (
    Verdict,
)
from isolation_tests.reporting.evidence import reader
from isolation_tests.reporting.evidence.evidence import TargetInfo
from isolation_tests.reporting.evidence.summary import summarise
from isolation_tests.reporting.evidence.writer import EvidenceWriter
from isolation_tests.reporting.html.page import render_html, write_html
from isolation_tests.reporting.narrative.commands import replay_command
from isolation_tests.reporting.narrative.wording import (
    finding_text,
    header_lines,
    summary_table,
    verdict_line,
)
from meta_tests.builders import BOB, ENDING, make_case, make_header, make_result, write
from meta_tests.reporting.by_hand import HARD, KNOWN, summary_of

# Drawing whole results is slow on a busy machine, which says nothing about them.
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


def test_a_finding_is_told_whole() -> None:
    told = finding_text(
        make_case(known="upstream"),
        replay_command(Path("out dir/findings/A1.json"), make_header()),
    )
    for part in (
        CATALOGUE["A1"].law,
        "'iso-r1-5' got a fact of 'iso-r1-5-corp'",
        "same-prefix: ",
        "memory.search('iso-r1-5'",
        "isolation-tests replay 'out dir/findings/A1.json'",
        CATALOGUE["A1"].fix,
        "known: upstream",
    ):
        assert part in told


def test_a_terminal_is_never_steered_by_a_target() -> None:
    case = make_case(names=(HOSTILE, BOB), anomaly=HOSTILE, where=HOSTILE, relation=HOSTILE, known=HOSTILE)
    header = make_header(make_result(title=HOSTILE), selection=(HOSTILE,), probed={"get": HOSTILE})
    summary = summary_of(make_result(anomalies=("[red]x[/red]", HOSTILE)))
    screen = Console(file=io.StringIO(), width=200)
    screen.print(summary_table(summary))
    assert isinstance(screen.file, io.StringIO)
    for text in (finding_text(case, None), *header_lines(header), screen.file.getvalue()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "[red]x[/red]" in screen.file.getvalue()
    assert plain("a\nb") == "a\nb"


def test_the_verdict_is_told_in_words() -> None:
    assert verdict_line(summary_of(make_result())) == "HELD, level core: 1 of 1 check held."
    line = verdict_line(
        summarise(make_header(make_result(), KNOWN, make_result("x")), [make_result(), KNOWN])
    )
    assert line == "VIOLATED, no level reached: 1 of 3 checks held, 1 violated (1 known finding), 1 not run."
    assert verdict_line(summary_of(make_result(), KNOWN)).startswith("VIOLATED, known, no level reached: ")


def test_the_page_escapes_whatever_a_target_said(tmp_path: Path) -> None:
    case = make_case(names=(HOSTILE, BOB), anomaly=HOSTILE, where=HOSTILE, relation=HOSTILE, known=HOSTILE)
    results = (
        make_result(HOSTILE, Verdict.VIOLATED, title=HOSTILE, anomalies=(HOSTILE,), cases=(case,)),
        make_result("b", Verdict.NOT_SUPPORTED, reason=HOSTILE),
    )
    target = TargetInfo(name=HOSTILE, title=HOSTILE, adapter=HOSTILE, distributions={HOSTILE: HOSTILE})
    path = write(tmp_path, *results, target=target, run_id=HOSTILE, known_file=HOSTILE, aliases=(HOSTILE,))
    page = write_html(reader.read(path), tmp_path / "sub" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    for forbidden in ("<script", "\x1b", "\u202e", "http://", "https://", "src=", "@import", "url("):
        assert forbidden not in page


def test_the_page_says_what_was_not_tested(tmp_path: Path) -> None:
    left_out = make_result("left-out[x]")
    header = make_header(make_result(), left_out)
    with EvidenceWriter(tmp_path, header) as writer:
        writer.append(make_result())
        writer.append(make_result("b", Verdict.NOT_SUPPORTED, reason="has no get", **HARD))
        path = writer.finish(ENDING.model_copy(update={"unmatched_known": ("A9-any matched nothing",)}))
    page = render_html(reader.read(path))
    for part in ("INCONCLUSIVE, no level reached", "left-out[x]", "has no get", "A9-any matched nothing"):
        assert part in page


def test_the_page_of_an_empty_run_is_no_pass(tmp_path: Path) -> None:
    page = render_html(reader.read(write(tmp_path)))
    assert "INCONCLUSIVE, no level reached" in page
    assert "no user reached another user" not in page
