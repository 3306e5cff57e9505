"""Certificates by the command line."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import expected_checks
from isolation_tests.reporting.certificates.statement import (
    TEXT_NAME,
)
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import errors, reader
from isolation_tests.reporting.html.page import beside, render_html, write_html
from meta_tests.reporting.certificates.certified import questions_of, run, write

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def test_the_commands_issue_and_refuse(tmp_path: Path, clean: Any, keys: Any) -> None:
    folder = write(tmp_path / "run", clean)
    refused = run("certify", str(folder), "--key", str(keys.private))
    assert refused.exit_code == 1
    assert "run again with the released suite" in refused.output
    unsigned = run("verify", str(folder), "--key", str(keys.public))
    assert unsigned.exit_code == 1
    assert "NoCertificate" in unsigned.output
    for wrong in (("verify", str(tmp_path / "none"), "--key", "x"), ("verify", str(folder), "--key", "x")):
        assert run(*wrong).exit_code == 3
    assert run("certify", str(folder)).exit_code == 3
    made = run("keygen", str(tmp_path / "mine"))
    assert made.exit_code == 0
    assert (tmp_path / "mine.pub").is_file()
    assert run("keygen", str(tmp_path / "mine")).exit_code == 3


def test_a_bundle_verifies_elsewhere_with_the_public_key_alone(tmp_path: Path, clean: Any, keys: Any) -> None:
    whole = expected_checks(PROFILES["ci"])
    folder = write(tmp_path / "run", clean, expected=whole, selection=("-k few",))
    assert run("certify", str(folder), "--key", str(keys.private)).exit_code == 0
    elsewhere = tmp_path / "another" / "checkout"
    shutil.copytree(folder, elsewhere / "bundle")
    shutil.copy(keys.public, elsewhere)
    shutil.rmtree(folder)
    done = subprocess.run(
        [sys.executable, "-m", "isolation_tests", "report", "verify", "bundle", "--key", keys.public.name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=elsewhere,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified. PARTIAL: no level reached" in done.stdout
    assert "narrowed by -k few" in (elsewhere / "bundle" / TEXT_NAME).read_text(encoding="utf-8")


def test_the_private_key_becomes_part_of_nothing(
    tmp_path: Path, clean: Any, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = expected_checks(PROFILES["ci"])
    write(tmp_path / "run", clean, expected=whole, selection=("-k few",))
    done = run("certify", "run", "--key", str(keys.private))
    assert done.exit_code == 0
    head, secret, *_ = keys.private.read_text(encoding="ascii").splitlines()
    assert head == "-----BEGIN PRIVATE KEY-----"
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for form in (
        secret.encode(),
        base64.b64decode(secret)[-32:],
        base64.b64decode(secret)[-32:].hex().encode(),
    ):
        assert not [content[:80] for content in (*written, done.output.encode()) if form in content]


def test_a_folder_whose_last_run_has_no_end_is_neither_certified_nor_verified(
    bundle: Path, signer: Any, public: Any
) -> None:
    questions = questions_of(bundle)
    (bundle / "evidence.jsonl.partial").write_bytes(b"")
    with pytest.raises(errors.NoFooter):
        certify(bundle, signer, questions, write_html)
    refused = verify(bundle, public, questions)
    assert isinstance(refused.refusal, errors.NoFooter)


def test_a_page_that_somebody_changed_is_written_again(tmp_path: Path, clean: Any, signer: Any) -> None:
    folder = write(tmp_path / "run", clean)
    page = folder / "report.html"
    page.write_text("HELD, level scale", encoding="utf-8")
    certify(folder, signer, questions_of(folder), write_html)
    assert page.read_text(encoding="utf-8") == render_html(reader.read(folder), beside(folder))
