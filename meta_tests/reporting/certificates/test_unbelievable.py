"""Evidence that nobody should believe is refused early, in a sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import UsageProblem
from isolation_tests.model import Verdict, alias_reason
from isolation_tests.reporting.certificates import refusals, signing
from isolation_tests.reporting.certificates.rejudge import rejudge
from isolation_tests.reporting.certificates.statement import CERTIFICATE_NAME
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import errors, reader
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
)
from isolation_tests.reporting.evidence.sanitising import encode
from isolation_tests.reporting.html.page import write_html
from meta_tests.reporting.certificates.certified import questions_of, rewritten, signed_again, write

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def test_a_packed_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"{EVIDENCE_NAME}.gz"
    path.write_bytes(gzip.compress(b" " * 2**23))
    assert path.stat().st_size < 2**14
    monkeypatch.setattr(reader, "MOST_LINE_BYTES", 2**20)
    with pytest.raises(errors.TooLarge, match="limit of 1048576 unpacked bytes at line 1"):
        reader.read(tmp_path)


def test_more_lines_than_any_run_writes_are_refused(
    tmp_path: Path, clean: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "run", clean)
    monkeypatch.setattr(reader, "MOST_BYTES", 20_000)
    with pytest.raises(errors.TooLarge, match="restore the file"):
        reader.read(folder)


def test_what_a_file_says_cannot_steer_the_reader(bundle: Path, public: Any, questions: Any) -> None:
    steering = "x\x1b[31m\u202e\nPASS     signature: forged"
    rewritten(bundle, lambda lines: lines[1].update({steering: 1}))
    told = verify(bundle, public, questions).lines()
    assert "BadRecord" in told[-2]
    assert not any(char in "".join(told) for char in "\x1b\u202e\n")
    assert not any(line.startswith("PASS     signature: forged") for line in told)


def test_a_large_certificate_or_key_is_not_read(
    bundle: Path, tmp_path: Path, public: Any, questions: Any
) -> None:
    for path in (bundle / CERTIFICATE_NAME, tmp_path / "key"):
        with path.open("wb") as file:
            file.truncate(1 << 40)
    assert "larger than" in str(verify(bundle, public, questions).refusal)
    for load in (signing.load_public, lambda path: signing.load_private(path, str)):
        with pytest.raises(UsageProblem, match="larger than"):
            load(tmp_path / "key")


@pytest.mark.parametrize(
    ("depth", "refusal"), [(80, refusals.ChangedText), (900, errors.BadRecord), (100_000, errors.BadRecord)]
)
def test_deep_nesting_is_one_sentence(
    bundle: Path, public: Any, signer: Any, questions: Any, depth: int, refusal: Any
) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    path = bundle / EVIDENCE_NAME
    content = path.read_bytes().replace(b'"metadata":null', b'"metadata":' + deep, 1)
    body, _, footer = content.rstrip(b"\n").rpartition(b"\n")
    fields = {**json.loads(footer), "digest": hashlib.sha256(body + b"\n").hexdigest()}
    path.write_bytes(body + b"\n" + encode(fields))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    signed_again(bundle, lambda p: p["subject"][0]["digest"].update(sha256=digest), signer)
    outcome = verify(bundle, public, questions)
    assert type(outcome.refusal) is refusal


def test_evidence_of_a_newer_suite_says_to_upgrade(bundle: Path) -> None:
    rewritten(bundle, lambda lines: lines[0].update(suite_version="99.1", surprise=1))
    with pytest.raises(errors.NewerSuite, match=r"written by isolation-tests 99\.1, but this is .*; upgrade"):
        reader.read(bundle)
    rewritten(bundle, lambda lines: lines[0].update(suite_version="main"))
    with pytest.raises(errors.BadRecord, match="is not a version"):
        reader.read(bundle)


def test_evidence_of_another_suite_is_not_certified(bundle: Path, signer: Any, questions: Any) -> None:
    rewritten(bundle, lambda lines: lines[0].update(suite_version="0.0.9"), consistent=True)
    with pytest.raises(refusals.OtherSuite, match=r"written by isolation-tests 0\.0\.9"):
        certify(bundle, signer, questions, write_html)


def test_an_older_run_verifies_without_comparing_its_questions(
    tmp_path: Path, clean: Any, signer: Any, public: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "run", clean)
    certify(folder, signer, questions_of(folder), write_html)
    monkeypatch.setattr("isolation_tests.reporting.certificates.verification.version", lambda _: "99.0")
    outcome = verify(folder, public, lambda _: ())
    assert outcome.refusal is None
    assert "are not compared" in "\n".join(outcome.lines())


def test_an_excuse_by_alias_needs_a_history_of_such_names(clean: Any) -> None:
    related = next(result for result in clean if result.check.startswith("search-stays-own"))
    relation = str(related.histories[0].plan.relation)
    excused = {"verdict": Verdict.NOT_SUPPORTED, "reason": alias_reason(relation)}
    assert rejudge(related.model_copy(update=excused), (relation,)) is None
    assert rejudge(related.model_copy(update={**excused, "histories": ()}), (relation,)) is not None
    other = clean[0].model_copy(update=excused)
    assert rejudge(other, (relation,)) is not None
