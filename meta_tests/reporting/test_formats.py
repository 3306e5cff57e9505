"""Exports: each format by its ending, whole or not at all, inert whatever a target said."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Case, CheckResult, Level, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence, TargetInfo
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.strength import Strength
from isolation_tests.reporting.formats import badge, csv_table, markdown
from isolation_tests.reporting.formats.registry import FORMATS, encoded, is_output, outputs, write_outputs
from meta_tests.builders import (
    ENDING,
    make_case,
    make_evidence,
    make_header,
    make_result,
    validate_junit,
    write,
)
from meta_tests.mutations import fuzz

ROOT = Path(__file__).parents[2]
PROPERTIES = "isolation_tests.properties"
NASTY = [
    "@org/everyone please look, and @me",
    "`code` ```fence``` ~~~",
    "a|b||c \\| d",
    "<script>alert(1)</script><details>",
    "![x](https://evil.example/x.png) [y](javascript:z) https://evil.example www.evil.example",
    "</code></summary></details>",
    "line\n\n# heading\n\n<details>\n- item\r\n| a | b |\n|---|---|",
    "\u202eevil\u200b\x00\x1b[31m\ud800",
    "=1+1",
    "+SUM(A1)",
    "-2",
    "@A1",
    "\t=1",
    "\r=1",
    "\uff1d1",
    "#1 GH-1 org/repo#1 0123456789abcdef0123456789abcdef01234567",
    "-->",
    "`",
    "",
    "x" * 10_000,
]
nasty = st.sampled_from(NASTY) | st.text(max_size=60)
READER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
SHIELDS = {
    "schemaVersion",
    "label",
    "message",
    "color",
    "labelColor",
    "isError",
    "namedLogo",
    "logoSvg",
    "logoColor",
    "logoSize",
    "style",
}


def evidence_of(*results: CheckResult, stale: tuple[str, ...] = (), **header: Any) -> Evidence:
    ending = {**ENDING.model_dump(), "unmatched_known": stale}
    return make_evidence(make_header(*results, **header), results, **ending)


def violated(*cases: Case, **changes: Any) -> CheckResult:
    return make_result(verdict=Verdict.VIOLATED, cases=cases or (make_case(),), **changes)


def hostile(text: str, other: str) -> Evidence:
    """Evidence every free text of which somebody else chose."""
    case = make_case(names=(text, other), relation=text or None, where=text, known=other or None)
    new = make_case(names=(other, {text: other}), anomaly="Z" + text, where=other)
    results = (
        violated(case, new, check=f"c[{text}]", title=text, anomalies=("A1", text), reason=text),
        make_result(f"d[{other}]", Verdict.INCONCLUSIVE, title=other, reason=text),
        make_result("e", Verdict.NOT_SUPPORTED, reason=other),
    )
    target = TargetInfo(
        name=text, title=other, adapter=text, source=other, distributions={other: text}, options={text: other}
    )
    return evidence_of(*results, stale=(text,), target=target, profile=text, selection=(other,), python=text)


# The registry


def test_the_format_is_told_by_the_longest_ending_or_by_name() -> None:
    named = {
        place: one.kind.name for place in ("a.md", "A.HTML", "x.csv", "b.sarif") for one in outputs([place])
    }

    assert named == {"a.md": "markdown", "A.HTML": "html", "x.csv": "csv", "b.sarif": "sarif"}
    assert [one.kind.name for one in outputs(["b.badge.json", "o.oscal.json", "c.ctrf.json"])] == [
        "badge",
        "oscal",
        "ctrf",
    ]
    assert outputs(["-", "x.txt"], "csv")[0].kind is FORMATS["csv"]
    assert is_output("-")
    assert not is_output("reports/local")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (partial(outputs, ["a.xyz"]), r"choose one of \.html \(html\)"),
        (partial(outputs, ["a.json"]), "No format has the file ending of 'a.json'"),
        (partial(outputs, ["-"]), "or give --format"),
        (partial(outputs, ["-"], "xml"), "There is no format 'xml'; choose one of html, markdown"),
        (partial(outputs, ["a.md", "a.md"]), "a.md is named twice"),
    ],
)
def test_what_there_is_not_is_told_in_a_sentence(ask: partial[object], told: str) -> None:
    with pytest.raises(UsageProblem, match=told):
        ask()


def test_every_format_writes_a_file_whole(tmp_path: Path) -> None:
    evidence = read(write(tmp_path / "run", violated(), make_result("b")))
    places = [f"out/run{kind.ending}" for kind in FORMATS.values()]
    paths = write_outputs(evidence, outputs(places), folder=tmp_path / "run", into=tmp_path)

    assert [path.relative_to(tmp_path).as_posix() for path in paths] == places
    assert all(path.stat().st_size > 100 for path in paths)
    assert not list(tmp_path.glob("out/*.partial"))


# The command


def export(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "isolation_tests", "report", "export", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_command_exports_several_files_whatever_the_verdict(tmp_path: Path) -> None:
    write(tmp_path / "reports" / "local", violated())

    ran = export(tmp_path, "a.md", "new/b.sarif")
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.splitlines() == ["written: a.md", f"written: {Path('new/b.sarif')}"]

    ran = export(tmp_path, "reports/local", "-", "--format", "badge")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["message"].startswith("violated")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["reports/cut", "a.md"], "results may be missing; run the suite again"),
        (["nowhere", "a.md"], "contains no evidence"),
        (["reports/cut", "a.xyz"], "No format has the file ending"),
    ],
)
def test_the_command_refuses_what_it_cannot_believe_or_write(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    write(tmp_path / "reports" / "cut", make_result())
    (tmp_path / "reports" / "cut" / "evidence.jsonl.partial").touch()
    ran = export(tmp_path, *arguments)

    assert ran.returncode == 3
    assert told in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "a.md").exists()


# Markdown


def inlines(text: str) -> list[str]:
    """The kinds of everything that a Markdown reader makes of a text: blocks and what is in them."""
    tokens = READER.parse(text)
    return [t.type for token in tokens for t in (token, *(token.children or ()))]


def test_a_comment_tells_findings_with_names_replay_and_fix_and_known_ones_apart() -> None:
    known = make_case(relation="other", known="ticket 7: waits for the release")
    text = markdown.render(evidence_of(violated(make_case(seen=2, tried=20), known)))
    head, _, rest = text.partition("#### 1 cause, 1 new finding")

    assert head.startswith(f"{markdown.MARK}\n\n### User isolation of `Sample memory`: VIOLATED\n")
    for told in (
        "A1 prefix: a user reaches every user whose name begins with theirs and a separator</code>, critical",
        "Shown by 1 check, 2 findings.",
        "Proved by `A1-search-same-prefix`, which showed in 2 of 20 tries.",
        "**Explains:** `A1-search-other`, `A1-search-same-prefix`",
        "user a    'iso-r1-5'",
        "user b    'iso-r1-5-corp'",
        "95 %",
        "isolation-tests replay findings/A1-search-same-prefix.json",
        "**Usual fix:**",
        "1 known finding (a known finding blocks its level)",
        "`A1-search-other`, 3 of 3: `ticket 7: waits for the release`",
        "| A1 prefix | VIOLATED | - | - | 1 | 1 |",
        "strength: not measured",
        "seed 42",
    ):
        assert told.replace("| - | - | 1 | 1 |", "") in rest


def test_the_strength_is_told_for_the_version_that_it_was_measured_for() -> None:
    strength = Strength(
        target="sample",
        suite_version="0.1.0",
        date=ENDING.ended[:10],
        profile="ci",
        seeds=(1,),
        calls=10,
        versions={"sample": "1.2"},
        fitting=4,
        caught=4,
    )
    evidence = evidence_of(make_result())

    assert "The checks catch 4 of 4 seeded faults" in markdown.render(evidence, strength)
    assert "calibrate again" in markdown.render(evidence, strength.model_copy(update={"versions": {}}))


def test_a_strength_that_cannot_be_believed_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "strength.json").write_text('{"caught": "@all of them"}')
    text = FORMATS["markdown"].render(evidence_of(make_result()), tmp_path)

    assert re.search("- strength: `+.*is not a strength file of `isolation-tests calibrate`", text)


def test_a_comment_never_outgrows_what_is_taken_and_says_what_was_cut() -> None:
    cases = [make_case(anomaly=f"Z{n}", names=("\u5e9c" * 900, "x" * 900)) for n in range(300)]
    many = [make_result(f"n{n}", Verdict.NOT_SUPPORTED, reason="\u5e9c" * 290 + str(n)) for n in range(400)]
    text = markdown.render(evidence_of(violated(*cases), *many))

    assert 30_000 < len(encoded(text)) <= markdown.MOST_BYTES
    assert re.search(r"\*\*\d+ more causes left out here\.\*\*", text)
    assert text.count("<details>") == text.count("</details>")


@fuzz(8)
@given(nasty, nasty)
def test_nothing_in_a_comment_is_read_as_markup(text: str, other: str) -> None:
    rendered = markdown.render(hostile(text, other))
    plain = markdown.render(hostile("plain", "other"))

    assert len(encoded(rendered)) <= markdown.MOST_BYTES
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", rendered)
    assert not {"link_open", "image", "heading_open"} & (set(inlines(rendered)) - set(inlines(plain)))
    markup = "".join(token.content for token in READER.parse(rendered) if token.type == "html_block")
    assert markup.count("<details>") == markup.count("</details>")
    for line in outside_code(rendered):
        assert "@" not in line
        assert "://" not in line
        assert "<script" not in line


def outside_code(text: str) -> list[str]:
    """What a reader sees of Markdown outside of code, in which neither mentions nor links are made."""
    found = []
    for token in READER.parse(text):
        if token.type == "html_block":
            found.append(re.sub(r"<code>.*?</code>", "", token.content, flags=re.DOTALL))
        found += [child.content for child in token.children or () if child.type != "code_inline"]
    return found


# CSV


def test_the_table_has_a_row_a_finding_and_says_which_are_known() -> None:
    known = make_case(relation="other", known="ticket 7")
    rows = list(csv.DictReader(io.StringIO(csv_table.render(evidence_of(violated(known, make_case()))))))

    assert [(row["finding"], row["known"], row["known reason"]) for row in rows] == [
        ("A1-search-same-prefix", "no", ""),
        ("A1-search-other", "yes", "ticket 7"),
    ]
    assert {row["cause"] for row in rows} == {
        "A1 prefix: a user reaches every user whose name begins with theirs and a separator"
    }
    assert rows[0]["shown by"] == "1 check, 2 findings"
    assert rows[0]["versions"] == "sample==1.2"
    assert rows[0]["weaknesses"] == "CWE-187"
    assert csv_table.render(evidence_of(make_result())).count("\n") == 1


@fuzz(5)
@given(nasty, nasty)
def test_no_cell_is_a_formula_and_no_text_breaks_the_table(text: str, other: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_table.render(hostile(text, other)), newline="")))

    assert [len(row) for row in rows] == [len(csv_table.COLUMNS)] * len(rows)
    assert len(rows) == 3
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff]", cell)


# The badge


@pytest.mark.parametrize(
    ("results", "stale", "message", "colour"),
    [
        ((make_result(),), (), "held, level core, 2026-01-02", "brightgreen"),
        ((make_result(),), ("old",), "held, level core, outdated known findings, 2026-01-02", "yellow"),
        ((violated(),), (), "violated, no level, 2026-01-02", "red"),
        ((violated(make_case(known="k")),), (), "violated, known, no level, 2026-01-02", "orange"),
        ((make_result(verdict=Verdict.INCONCLUSIVE),), (), "inconclusive, no level, 2026-01-02", "yellow"),
        ((make_result(verdict=Verdict.ERROR),), (), "error, no level, 2026-01-02", "yellow"),
        ((make_result(level=Level.HARDENED),), (), "held, no level, 2026-01-02", "blue"),
    ],
)
def test_a_badge_tells_verdict_level_and_date_in_its_colour(
    results: tuple[CheckResult, ...], stale: tuple[str, ...], message: str, colour: str
) -> None:
    found = json.loads(badge.render(evidence_of(*results, stale=stale)))

    assert (found["message"], found["color"]) == (message, colour)
    assert (found["schemaVersion"], found["label"]) == (1, "user isolation")
    assert set(found) <= SHIELDS
    assert found["isError"] is (colour not in ("brightgreen", "blue"))


@fuzz(8)
@given(st.lists(st.builds(make_result, st.sampled_from("abc"), st.sampled_from(Verdict)), max_size=4))
def test_only_a_run_that_held_can_be_green(results: list[CheckResult]) -> None:
    found = json.loads(badge.render(evidence_of(*results)))

    assert (found["color"] == "brightgreen") == (found["message"].startswith("held, level"))
    assert found["color"] != "brightgreen" or all(
        r.verdict in (Verdict.HELD, Verdict.NOT_SUPPORTED) for r in results
    )


@fuzz(8)
@given(st.sampled_from(sorted(FORMATS)), nasty, nasty)
def test_every_format_takes_hostile_evidence(name: str, text: str, other: str) -> None:
    rendered = encoded(FORMATS[name].render(hostile(text, other), Path("nowhere")))

    assert len(rendered) < 2_000_000
    assert rendered.decode("utf-8")
    if FORMATS[name].media_type.endswith("json"):
        json.loads(rendered)


# JUnit

KNOWN = """
[[known]]
finding = "O1-get-any"
reason = "ticket 7: ids are never shown to users"
owner = "us"
expires = 2099-01-01
"""


def junit(folder: Path, *arguments: str) -> ET.Element:
    (folder / "known.toml").write_text(KNOWN, encoding="utf-8")
    ran = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "--pyargs",
                f"{PROPERTIES}.test_by_id",
                "-p",
                "no:cacheprovider",
            ),
            *("--isolation-target", "fault:O1-get-unchecked", "--isolation-profile", "quick"),
            *("--isolation-seed", "1", "--isolation-export", "out/summary.md", "-k", "O1-get"),
            *("--junitxml", "out/junit.xml", *arguments),
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert ran.returncode in (1, 2), ran.stdout + ran.stderr
    assert "export:   out/summary.md" in ran.stdout.replace("\\", "/")
    assert (folder / "out" / "summary.md").read_text(encoding="utf-8").startswith(markdown.MARK)
    return ET.parse(folder / "out" / "junit.xml").getroot()  # noqa: S314 - written by the run above


def properties(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return {one.attrib["name"]: one.attrib["value"] for one in element.findall("properties/property")}


@pytest.mark.process
@pytest.mark.parametrize("workers", ["0", "1"])
def test_junit_tells_check_verdict_and_findings_and_keeps_known_ones_apart(
    tmp_path: Path, workers: str
) -> None:
    root = junit(tmp_path, "-n", workers, *(["--isolation-known=known.toml"] if workers == "1" else []))
    suite = properties(root.find("testsuite"))
    cases = {properties(case)["isolation.check"]: case for case in root.iter("testcase")}
    got = cases["ids-need-their-owner[O1-get]"]
    told = properties(got)

    assert suite["isolation.target"] == "fault:O1-get-unchecked"
    assert (suite["isolation.seed"], suite["isolation.profile"]) == ("1", "quick")
    assert suite["isolation.verdict"] == "VIOLATED"
    assert (told["isolation.verdict"], told["isolation.level"]) == ("VIOLATED", "hardened")
    assert "O1" in told["isolation.anomalies"].split()
    if workers == "1":
        assert told["isolation.known"] == "O1-get-any"
        assert "isolation.findings" not in told
        [skipped] = got.findall("skipped")
        assert skipped.attrib["type"] == "pytest.xfail"
        assert skipped.attrib["message"].startswith("known finding: ticket 7")
    else:
        assert told["isolation.findings"] == "O1-get-any"
        assert got.find("failure") is not None
    validate_junit(root)
