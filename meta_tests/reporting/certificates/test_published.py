"""What was signed earlier verifies, and says what it said."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import expected_checks
from isolation_tests.reporting.certificates import signing
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
    FORMS,
    TEXT_NAME,
    Statement,
)
from isolation_tests.reporting.certificates.text import certificate_lines
from isolation_tests.reporting.certificates.verification import verify
from isolation_tests.reporting.evidence.signed_text import SignedText

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


PUBLISHED = sorted((Path(__file__).parents[3] / "reports").glob(f"*/{CERTIFICATE_NAME}"))


def test_every_published_certificate_reads_as_it_was_signed() -> None:
    assert PUBLISHED
    for path in PUBLISHED:
        envelope = json.loads(path.read_text(encoding="ascii"))
        statement = Statement.model_validate_json(base64.b64decode(envelope["payload"]))
        text = path.with_name(TEXT_NAME).read_text(encoding="utf-8")
        assert certificate_lines(statement) == text.splitlines(), path


@pytest.mark.long
@pytest.mark.parametrize("name", ["chroma", "redis-scan"])
def test_a_published_certificate_still_verifies(name: str) -> None:
    folder = PUBLISHED[0].parents[1] / name
    issuer = signing.load_public(PUBLISHED[0].parents[1] / "isolation-tests.pub")
    outcome = verify(folder, issuer, lambda profile: expected_checks(PROFILES[profile]))
    assert outcome.refusal is None, outcome.lines()


def test_no_wording_that_was_signed_is_ever_changed() -> None:
    signed = json.loads((Path(__file__).parent / "signed_texts.json").read_text(encoding="utf-8"))
    kinds = SignedText.__subclasses__()
    assert set(signed) == {str(form) for form in FORMS}
    for form in FORMS:
        wordings = {text.value[min(form, len(text.value)) - 1] for kind in kinds for text in kind}
        assert set(signed[str(form)]) <= wordings, "append a new wording and raise LATEST_FORM instead"
