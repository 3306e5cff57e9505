"""Whatever is left out or edited never raises what a certificate says."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isolation_tests.model import CheckResult, Level, Verdict
from isolation_tests.reporting.certificates.rejudge import Examined
from isolation_tests.reporting.certificates.statement import (
    Claim,
    statement_of,
)
from isolation_tests.reporting.certificates.verification import verify
from isolation_tests.reporting.evidence import writer
from isolation_tests.reporting.evidence.evidence import (
    Header,
)
from isolation_tests.reporting.evidence.summary import summarise
from meta_tests.builders import make_evidence
from meta_tests.reporting.certificates.certified import header_of, known

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


def height(level: Level | None) -> int:
    return -1 if level is None else list(Level).index(level)


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


def same_content(path: Path, before: bytes, after: bytes) -> bool:
    """A packed file has a few bytes that say nothing of what is packed."""
    if path.suffix != ".gz":
        return False
    try:
        return gzip.decompress(before) == gzip.decompress(after)
    except (OSError, EOFError, ValueError, zlib.error):
        return False
