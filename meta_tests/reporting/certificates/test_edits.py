"""Whatever is left out or edited never raises what a certificate says."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isolation_tests.model import CheckResult, Level, Verdict
from isolation_tests.reporting.certificates import refusals, signing
from isolation_tests.reporting.certificates.rejudge import Examined
from isolation_tests.reporting.certificates.statement import CERTIFICATE_NAME, Claim, statement_of
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import errors, writer
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, Header
from isolation_tests.reporting.evidence.summary import summarise
from isolation_tests.reporting.html.page import write_html
from meta_tests.builders import make_evidence
from meta_tests.mutations import changed, fuzz, sealed, swapped, written
from meta_tests.reporting.certificates.certified import header_of, known, questions_of, write

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


few = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def draw_results(data: st.DataObject, clean: Sequence[CheckResult], faulty: CheckResult) -> list[CheckResult]:
    """What a run could have come to: every check held, known to be violated, doubted or in error."""
    drawn = []
    for result in clean:
        verdict = data.draw(st.sampled_from([*[Verdict.HELD] * 5, *Verdict]))
        if verdict is Verdict.VIOLATED:
            drawn.append(
                known(result.model_copy(update={"verdict": verdict, "cases": faulty.cases, "histories": ()}))
            )
        elif verdict in (Verdict.HELD, Verdict.NOT_SUPPORTED):
            drawn.append(result)
        else:
            drawn.append(result.model_copy(update={"verdict": verdict, "reason": "doubted"}))
    return drawn


def height(level: Level | str | None) -> int:
    return -1 if level is None else list(Level).index(Level(level))


@few
@given(st.data())
def test_what_is_left_out_never_raises_the_level_nor_hides_a_cause(
    clean: Any, faulty: CheckResult, data: st.DataObject
) -> None:
    results = draw_results(data, clean, faulty)
    offered = data.draw(st.sampled_from([("get", "overlap", "page"), ("get", "page")]))
    header = header_of(clean, capabilities=offered, aliases=("fold",), known_count=1)
    lost = data.draw(st.sets(st.sampled_from(range(len(results))), min_size=1))
    how = data.draw(st.sampled_from(["removed", "skipped", "doubted", "failed", "emptied"]))
    fewer = [worse(result, how) if n in lost else result for n, result in enumerate(results)]
    before = claim_from(header, results)
    after = claim_from(header, [result for result in fewer if result is not None])
    assert height(after.level) <= height(before.level)
    assert before.verdict == "HELD" or after.verdict == "PARTIAL"
    assert bad(before) <= bad(after)
    assert bad(after) >= {results[n].check for n in lost}


def worse(result: CheckResult, how: str) -> CheckResult | None:
    if how == "removed":
        return None
    verdicts = {"skipped": Verdict.NOT_SUPPORTED, "doubted": Verdict.INCONCLUSIVE, "failed": Verdict.ERROR}
    verdict = verdicts.get(how, result.verdict)
    emptied = {"verdict": verdict, "cases": (), "histories": ()}
    if how == "emptied" and result.cases:
        return None
    return result.model_copy(update={**emptied, "reason": "not asked"})


def claim_from(header: Header, results: Sequence[CheckResult]) -> Claim:
    summary = summarise(header, results)
    found = make_evidence(header, results)
    counted = tuple(r.check for r in results if r.calls and not r.histories and not r.cases)
    examined = Examined(summary, len(results), len(results), 0, 0, counted, 0)
    return statement_of(Path("/nonexistent"), found, examined).predicate.claim


def bad(claim: Claim) -> set[str]:
    return {check for cause in claim.causes for check in cause.checks}


@few
@given(st.data())
def test_no_edited_or_cut_byte_ever_verifies(
    original: Path, tmp_path_factory: pytest.TempPathFactory, public: Any, questions: Any, data: st.DataObject
) -> None:
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("edit") / "bundle"))
    if data.draw(st.booleans()):
        writer.pack(folder)
    path = data.draw(st.sampled_from(sorted(folder.glob("[!.]*"))))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        changed = content[:place]
    else:
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
        changed = content[:place] + bytes([byte]) + content[place + 1 :]
    assume(not same_content(path, content, changed))
    path.write_bytes(changed)
    assert verify(folder, public, questions).refusal is not None
    shutil.rmtree(folder.parent)


def envelope_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / CERTIFICATE_NAME).read_bytes())
    return found


def said(folder: Path) -> Any:
    return json.loads(base64.b64decode(envelope_of(folder)["payload"]))


def means_the_same(payload: str, before: Any) -> bool:
    """Whether every reader of JSON takes a payload for what it was; a value that is not there may be null."""
    try:
        read = json.loads(payload, object_pairs_hook=lambda pairs: without_null(dict(pairs)))
    except (ValueError, RecursionError):
        return False
    return json.dumps(read, sort_keys=True) == json.dumps(before, sort_keys=True)


def without_null(value: dict[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if inner is not None}


@fuzz(40)
@given(data=st.data())
def test_no_changed_statement_verifies_whoever_signed_it(
    bundle: Path, public: Any, signer: Any, questions: Any, data: st.DataObject
) -> None:
    """Any value anywhere is replaced, removed, repeated, renamed or swapped, and the right key signs that."""
    before = said(bundle)
    kept = (bundle / CERTIFICATE_NAME).read_bytes()
    payload = written(data.draw(changed(before) | swapped(before)))
    try:
        (bundle / CERTIFICATE_NAME).write_bytes(signing.signed(payload.encode(), signer))
        outcome = verify(bundle, public, questions)
        assert outcome.refusal is not None or means_the_same(payload, before), payload
        assert outcome.lines()[-1].startswith("Verified.") == (outcome.refusal is None)
    finally:
        (bundle / CERTIFICATE_NAME).write_bytes(kept)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"verdict": "HELD"', '"verdict": "PARTIAL", "verdict": "HELD"'),
        ('"seed": 7', '"seed": "7"'),
        ('"seed": 7', '"seed": 7.0'),
        ('"workers": 1', '"workers": true'),
        ('"consistency_seconds": 0.0', '"consistency_seconds": 0'),
    ],
)
def test_a_value_that_readers_take_for_another_is_refused(
    bundle: Path, public: Any, signer: Any, questions: Any, old: str, new: str
) -> None:
    payload = json.dumps(said(bundle))
    assert old in payload
    envelope = signing.signed(payload.replace(old, new).encode(), signer)
    (bundle / CERTIFICATE_NAME).write_bytes(envelope)
    assert isinstance(verify(bundle, public, questions).refusal, refusals.WrongStatement)


@fuzz(15)
@given(data=st.data())
def test_no_changed_record_verifies_beside_the_certificate(
    bundle: Path, public: Any, questions: Any, data: st.DataObject
) -> None:
    """Even if the footer fits again: the certificate has the digest of the evidence."""
    path = bundle / EVIDENCE_NAME
    kept = path.read_bytes()
    lines = [json.loads(line) for line in kept.splitlines()]
    changed_to = sealed(data.draw(changed(lines) | swapped(lines)))
    assume(changed_to != kept)
    try:
        path.write_bytes(changed_to)
        assert verify(bundle, public, questions).refusal is not None
    finally:
        path.write_bytes(kept)


@pytest.fixture(scope="module")
def marred(
    tmp_path_factory: pytest.TempPathFactory, clean: Any, faulty: CheckResult, signer: Any
) -> tuple[Path, Any]:
    """A run with a known finding, and what its certificate claims."""
    others = [result for result in clean if result.check != faulty.check]
    folder = write(tmp_path_factory.mktemp("marred") / "run", [*others, known(faulty)], known_count=1)
    certify(folder, signer, questions_of(folder), write_html)
    return folder, said(folder)["predicate"]["isolationTests"]


@fuzz(15)
@given(data=st.data())
def test_no_changed_record_is_certified_as_better_by_the_right_key(
    marred: tuple[Path, Any], signer: Any, data: st.DataObject
) -> None:
    """Who has the key certifies what was changed: then it claims no more than before, or is contradicted."""
    folder, before = marred
    path = folder / EVIDENCE_NAME
    kept = path.read_bytes()
    asked = questions_of(folder)
    lines = [json.loads(line) for line in kept.splitlines()]
    checks = data.draw(changed(lines[1:-1]) | swapped(lines[1:-1]))
    assume(isinstance(checks, list))
    try:
        path.write_bytes(sealed([lines[0], *checks, lines[-1]]))
        try:
            certify(folder, signer, asked, write_html)
        except errors.EvidenceError:
            return
        claim = said(folder)["predicate"]["isolationTests"]
        assert claim["verdict"] == "PARTIAL"
        assert height(claim.get("level")) <= height(before["level"])
        assert claim["counts"] == before["counts"]
        assert claim["known"][0]["finding"] == before["known"][0]["finding"]
    finally:
        path.write_bytes(kept)


def same_content(path: Path, before: bytes, after: bytes) -> bool:
    """A packed file has a few bytes that say nothing of what is packed."""
    if path.suffix != ".gz":
        return False
    try:
        return gzip.decompress(before) == gzip.decompress(after)
    except (OSError, EOFError, ValueError, zlib.error):
        return False
