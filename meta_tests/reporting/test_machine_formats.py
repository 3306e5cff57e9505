"""SARIF, OSCAL and CTRF hold to their published schemas, and none says more than the evidence."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import ValidationError
from jsonschema.validators import extend, validator_for

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.cli import main
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.board.withholding import withhold
from isolation_tests.reporting.evidence.errors import BadTime
from isolation_tests.reporting.evidence.evidence import Evidence, TargetInfo
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.formats import ctrf, oscal, sarif
from meta_tests.builders import make_case, make_evidence, make_header, make_result

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "sarif": "sarif-schema-2.1.0.json",
    "oscal": "oscal-assessment-results-1.1.3.json",
    "ctrf": "ctrf-0.0.0.json",
}
RENDER: dict[str, Callable[[Evidence], str]] = {
    "sarif": sarif.render,
    "oscal": oscal.render,
    "ctrf": ctrf.render,
}
PUBLISHED = ("reference", "langgraph-postgres-3.1.0", "mem0")
HOSTILE = (
    "<script>alert(1)</script>\x1b[31m\u202e\x00\ud800 [x](https://example.invalid) {0} @everyone | `a`\r\n"
    + "long " * 4000
)
# Python's own expressions have no classes of Unicode: what the schemas write with them, in its words.
CLASSES = {r"\p{L}": r"[^\W\d_]", r"\p{N}": r"\d"}


def matches(_: Any, pattern: str, instance: object, __: Any) -> Iterator[ValidationError]:
    for theirs, ours in CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    if isinstance(instance, str) and not re.search(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern}")


@cache
def validator(name: str) -> Any:
    schema = json.loads((ROOT / "fixtures" / "schemas" / SCHEMAS[name]).read_text(encoding="utf-8"))
    kind = validator_for(schema)
    return extend(kind, {"pattern": matches})(schema, format_checker=kind.FORMAT_CHECKER)


@cache
def published(name: str) -> Evidence:
    return read(ROOT / "reports" / name)


def rendered(name: str, evidence: Evidence) -> Any:
    """The document, once it is plain ASCII and as its schema wants it."""
    text = RENDER[name](evidence)
    assert text.isascii()
    found = json.loads(text)
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator(name).iter_errors(found)]
    assert not faults, faults[:3]
    told = set(json.dumps(found, ensure_ascii=False))
    assert not {char for char in told if unicodedata.category(char).startswith("C")}
    return found


@cache
def document(name: str, target: str) -> Any:
    """A published run in one format."""
    return rendered(name, published(target))


def evidence_of(*results: CheckResult, silent: tuple[str, ...] = (), **changes: Any) -> Evidence:
    """Evidence of these results; silent: checks on S1 that never reported."""
    target = {"name": "sample", "title": "Sample", "adapter": "sample:open", **changes.pop("target", {})}
    unheard = (make_result(check, anomalies=("S1",)) for check in silent)
    stale = changes.pop("stale", ())
    header = make_header(*results, *unheard, target=TargetInfo(**target), **changes)
    return make_evidence(header, results, stale)


HELD = make_result("a[1]", Verdict.HELD)
VIOLATED = make_result("b[1]", Verdict.VIOLATED, cases=(make_case(),))
KNOWN = make_result("b[1]", Verdict.VIOLATED, cases=(make_case(known="reported in 2025", seen=1),))
NOTHING: dict[str, Evidence] = {
    "inconclusive": evidence_of(HELD, make_result("b", Verdict.INCONCLUSIVE, reason="no user saw a fact")),
    "error": evidence_of(HELD, make_result("b", Verdict.ERROR, reason="KeyError")),
    "not run": evidence_of(HELD, silent=("b[1]", "b[2]")),
    "nothing at all": evidence_of(),
    "no controls": evidence_of(make_result("a", Verdict.HELD, controls=0)),
    "not supported": evidence_of(HELD, make_result("b", Verdict.NOT_SUPPORTED, reason="no get")),
    "stale": evidence_of(HELD, stale=("the known finding A1-get-any was not found",)),
}
OTHERS: dict[str, Evidence] = {
    "held": evidence_of(HELD),
    "violated": evidence_of(HELD, VIOLATED),
    "known": evidence_of(HELD, KNOWN),
    "withheld": withhold(evidence_of(HELD, VIOLATED), lambda _: False),
    "without a case": evidence_of(HELD, make_result("b", Verdict.VIOLATED)),
    "unknown anomaly": evidence_of(
        make_result("b", Verdict.VIOLATED, anomalies=("Z 9",), cases=(make_case(anomaly="Z 9"),))
    ),
}


def hostile() -> Evidence:
    """Whatever can be any text is a hostile one."""
    case = make_case(
        names=(HOSTILE, "iso-r1-2"),
        anomaly=HOSTILE,
        relation=HOSTILE,
        where=HOSTILE,
        story=HOSTILE,
        known=HOSTILE,
    )
    results = (
        make_result(HOSTILE, Verdict.VIOLATED, title=HOSTILE, anomalies=(HOSTILE,), cases=(case,)),
        make_result(f"b{HOSTILE}", Verdict.ERROR, title=HOSTILE, anomalies=(HOSTILE,), reason=HOSTILE),
        make_result("", Verdict.INCONCLUSIVE, title="", anomalies=(), reason=""),
    )
    target = {
        **dict.fromkeys(("name", "title", "tenancy", "adapter", "source"), HOSTILE),
        "distributions": {HOSTILE: HOSTILE, "": ""},
        "options": {HOSTILE: HOSTILE},
    }
    texts = dict.fromkeys(("run_id", "profile", "python", "platform", "suite_version", "known_file"), HOSTILE)
    return evidence_of(
        *results, target=target, selection=(HOSTILE,), silent=(f"c{HOSTILE}",), stale=(HOSTILE,), **texts
    )


# All formats


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("target", PUBLISHED)
def test_published_evidence_fits_the_schema(name: str, target: str) -> None:
    document(name, target)


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("kind", [*NOTHING, *OTHERS])
def test_every_verdict_fits_the_schema(name: str, kind: str) -> None:
    rendered(name, {**NOTHING, **OTHERS}[kind])


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_same_evidence_gives_the_same_text(name: str) -> None:
    one, other = (evidence_of(HELD, VIOLATED) for _ in range(2))

    assert RENDER[name](one) == RENDER[name](other)


@pytest.mark.parametrize("name", SCHEMAS)
def test_hostile_text_is_inert_short_and_fits_the_schema(name: str) -> None:
    text = json.dumps(rendered(name, hostile()))

    assert "long " * 500 not in text


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("time", ["yesterday", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_none_is_refused(name: str, time: str) -> None:
    with pytest.raises(BadTime, match="is not a valid time"):
        RENDER[name](evidence_of(HELD, started=time))


@pytest.mark.parametrize("ending", [".sarif", ".oscal.json", ".ctrf.json"])
def test_evidence_that_is_cut_reaches_the_user_as_one_sentence(tmp_path: Path, ending: str) -> None:
    header = evidence_of(HELD).header.model_dump_json()
    (tmp_path / "evidence.jsonl").write_text(f'{{"kind":"header",{header[1:]}\n', encoding="utf-8")
    ran = CliRunner().invoke(main, ["report", "export", str(tmp_path), str(tmp_path / f"out{ending}")])

    assert ran.exit_code == 3
    assert "has no footer" in ran.output
    assert not list(tmp_path.glob("out*"))


# SARIF


def run_of(evidence: Evidence | str) -> Any:
    found = document("sarif", evidence) if isinstance(evidence, str) else rendered("sarif", evidence)
    return found["runs"][0]


@pytest.mark.parametrize("kind", NOTHING)
def test_an_inconclusive_run_is_no_success_without_results(kind: str) -> None:
    run = run_of(NOTHING[kind])
    (invocation,) = run["invocations"]

    assert not run["results"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    assert any(notice["level"] in ("warning", "error") for notice in invocation["toolExecutionNotifications"])


def test_a_run_that_held_is_a_success_and_says_at_which_level() -> None:
    (invocation,) = run_of(OTHERS["held"])["invocations"]

    assert invocation["executionSuccessful"] is True
    assert invocation["properties"] == {"verdict": "HELD", "level": "core"}


def test_a_finding_is_an_error_with_what_code_scanning_wants() -> None:
    run = run_of(OTHERS["violated"])
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    rule = rules[result["ruleIndex"]]

    assert result["level"] == "error"
    assert "suppressions" not in result
    assert rule["id"] == result["ruleId"] == "A1"
    assert rule["shortDescription"]["text"] == CATALOGUE["A1"].law
    assert CATALOGUE["A1"].fix in rule["help"]["text"]
    assert {"shortDescription", "fullDescription", "help"} <= set(rule)
    assert all(len(one.get("properties", {}).get("tags", ())) <= 20 for one in rules)
    assert all(0 < float(one["properties"].get("security-severity", 1)) <= 10 for one in rules)
    (location,) = result["locations"]
    assert set(location["physicalLocation"]["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
    assert location["logicalLocations"][0]["name"] == "search"


def test_a_known_finding_is_suppressed_with_its_reason_and_says_how_often_it_showed() -> None:
    (result,) = run_of(OTHERS["known"])["results"]

    assert result["suppressions"][0]["status"] == "accepted"
    assert "reported in 2025" in result["suppressions"][0]["justification"]
    assert (result["properties"]["intermittent"], result["properties"]["seen"]) == (True, 1)


def test_a_violated_check_without_a_case_does_not_vanish() -> None:
    (result,) = run_of(OTHERS["without a case"])["results"]

    assert result["ruleId"] == "A1"
    assert "b was violated" in result["message"]["text"]


def test_a_finding_keeps_its_fingerprint_over_runs_and_shares_it_with_no_other() -> None:
    def prints(run: Any) -> list[str]:
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]

    again = evidence_of(HELD, VIOLATED, run_id="r2", started="2026-02-02T00:00:00+00:00")
    elsewhere = evidence_of(HELD, VIOLATED, target={"name": "other"})
    many = prints(run_of("langgraph-postgres-3.1.0"))

    assert prints(run_of(again)) == prints(run_of(OTHERS["violated"])) != prints(run_of(elsewhere))
    assert len(set(many)) == len(many) > 1


@pytest.mark.parametrize(
    ("adapter", "source", "uri"),
    [
        ("app/adapter.py:open_memory", "app/adapter.py:open_memory", "app/adapter.py"),
        ("adapter.py:open_memory", "staging/my target.toml", "staging/adapter.py"),
        ("../adapter.py:open_memory", "staging/target.toml", "adapter.py"),
        ("http", "staging/target.toml", "staging/target.toml"),
        ("http", "staging\\target.toml", "staging/target.toml"),
        ("http", "/home/me/target.toml", "file:///home/me/target.toml"),
        ("http", "C:\\me\\target.toml", "file:///C:/me/target.toml"),
        ("http", "../elsewhere/target.toml", "evidence.jsonl"),
        ("http", "javascript:alert(1).toml", "javascript%3Aalert%281%29.toml"),
        (
            "isolation_tests.adapters.mem0:open",
            "mem0.toml, which comes with isolation-tests",
            "evidence.jsonl",
        ),
    ],
)
def test_a_finding_is_shown_at_the_file_that_describes_the_target(
    adapter: str, source: str, uri: str
) -> None:
    (result,) = run_of(evidence_of(HELD, VIOLATED, target={"adapter": adapter, "source": source}))["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_no_name_becomes_a_link_or_a_placeholder() -> None:
    case = make_case(names=("[x](https://example.invalid){0}", "iso-r1-2"))
    (result,) = run_of(evidence_of(HELD, make_result("b", Verdict.VIOLATED, cases=(case,))))["results"]
    text = result["message"]["text"]

    assert "](" not in text
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", text)


# OSCAL


def result_of(evidence: Evidence | str) -> Any:
    found = document("oscal", evidence) if isinstance(evidence, str) else rendered("oscal", evidence)
    (result,) = found["assessment-results"]["results"]
    return result


def states(evidence: Evidence | str) -> dict[str, tuple[str, str]]:
    targets = [finding["target"] for finding in result_of(evidence).get("findings", ())]
    return {one["target-id"]: (one["status"]["state"], one["status"]["reason"]) for one in targets}


@pytest.mark.parametrize("kind", NOTHING)
def test_what_proved_nothing_is_a_finding_and_never_silent(kind: str) -> None:
    assert states(NOTHING[kind])["isolation-whole"] == ("not-satisfied", "other")


def test_a_run_that_held_has_observations_and_asserts_nothing() -> None:
    result = result_of("reference")

    assert "findings" not in result
    assert {"TEST"} == {method for one in result["observations"] for method in one["methods"]}


def test_only_a_violation_fails() -> None:
    assert states(OTHERS["violated"]) == {"isolation-a1": ("not-satisfied", "fail")}
    assert states(OTHERS["known"]) == {"isolation-a1": ("not-satisfied", "fail")}


@pytest.mark.parametrize("target", PUBLISHED)
def test_references_lead_somewhere_identifiers_are_given_once_and_nothing_is_satisfied(target: str) -> None:
    results = document("oscal", target)["assessment-results"]
    text = json.dumps(results)
    given = re.findall(r'"uuid": "([^"]+)"', text)
    named = re.findall(r'"(?:\w+-uuid|href)": "#?([^"]+)"', text)
    objectives = {
        part["id"] for one in results["local-definitions"]["objectives-and-methods"] for part in one["parts"]
    }

    assert '"satisfied"' not in text
    assert len(set(given)) == len(given)
    assert set(named) <= set(given)
    assert set(states(target)) <= objectives


def test_controls_are_named_as_the_catalogue_of_the_format_names_them() -> None:
    selected = result_of("reference")["reviewed-controls"]["control-selections"]
    ids = {control["control-id"] for one in selected for control in one["include-controls"]}

    assert {"sc-4", "ac-3", "si-12.3"} <= ids
    assert oscal.control_id("SI-12(3)") == "si-12.3"


def test_nothing_settled_is_evidence_for_no_control() -> None:
    (selection,) = result_of(NOTHING["nothing at all"])["reviewed-controls"]["control-selections"]

    assert "include-controls" not in selection


# CTRF


@pytest.mark.parametrize("target", PUBLISHED)
def test_counts_are_those_of_the_tests_and_of_the_summary(target: str) -> None:
    results = document("ctrf", target)["results"]
    statuses = [test["status"] for test in results["tests"]]
    summary = summary_of(published(target))

    assert results["summary"]["tests"] == len(statuses) == len(summary.checks)
    assert results["summary"]["passed"] == statuses.count("passed") == summary.counts[Verdict.HELD]
    assert results["summary"]["failed"] == statuses.count("failed") == summary.counts[Verdict.VIOLATED]
    assert results["summary"]["stop"] > results["summary"]["start"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("violated", "failed"),
        ("known", "failed"),
        ("withheld", "failed"),
        ("without a case", "failed"),
        ("error", "failed"),
        ("inconclusive", "other"),
        ("not run", "other"),
        ("not supported", "skipped"),
    ],
)
def test_only_what_held_is_passed(kind: str, status: str) -> None:
    tests = rendered("ctrf", {**NOTHING, **OTHERS}[kind])["results"]["tests"]

    assert next(test["status"] for test in tests if test["name"] != HELD.check) == status
    assert [test["name"] for test in tests if test["status"] == "passed"] == [HELD.check]


def test_a_test_says_which_anomaly_and_whether_it_is_known() -> None:
    test = rendered("ctrf", OTHERS["known"])["results"]["tests"][1]

    assert test["extra"]["isolation.anomalies"] == ["A1"]
    assert test["extra"]["isolation.findings"] == [
        {"key": "A1-search-same-prefix", "seen": 1, "tried": 3, "known": "reported in 2025"}
    ]
    assert test["message"].startswith("known (reported in 2025): ")
