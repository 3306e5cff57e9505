"""Evidence: the calls, answers and results of a run, as a file with a published schema.

`evidence.jsonl` holds one JSON object per line: a header (what the run has to do), one record per check, and
a footer (how the run ended, the number of records, and a digest of all preceding lines). A file without a
footer is refused, because results may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, field_validator

from isolation_tests.core.masking import masked_options, masked_text
from isolation_tests.coverage.figures import Coverage
from isolation_tests.model import CheckResult, Frozen, Level, Verdict
from isolation_tests.reporting.evidence.scale import ScaleFigures, ScaleQuestion

SCHEMA_VERSION = 1
EVIDENCE_NAME = "evidence.jsonl"
REPORT_NAME = "report.html"
"""The report page beside the evidence."""
PACKED = ".gz"
SUITE = "isolation-tests"


class _Documented(Frozen):
    """Data whose field descriptions reach the published schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class TargetInfo(_Documented):
    """What was tested: the target, its adapter, versions and options.

    Options are masked on construction, so that no writer can forget to mask them.
    """

    name: str
    """The target's short name."""
    title: str
    """What the target is, in a few words."""
    tenancy: str = ""
    """How the target keeps users apart, in the words of its file."""
    adapter: str
    """The adapter, as the target's file names it."""
    source: str = ""
    """Where the target came from: its file, its entry point or the name that the user gave."""
    distributions: dict[str, str] = Field(default_factory=dict)
    """Versions of the installed distributions behind the adapter, by name."""
    options: dict[str, str] = Field(default_factory=dict)
    """The target's options; secrets are masked."""
    disposable: bool = False
    """Whether the run may destroy the whole store."""
    volatile: str = ""
    """What the target declares non-deterministic."""
    unreleased: dict[str, str] = Field(default_factory=dict)
    """Distributions that are not published releases, each with the reason."""
    file: str = ""
    """SHA-256 of the target's file in hex; empty if it has none."""
    packaged: str = ""
    """SHA-256 in hex of the file that the suite ships under this name; empty if it ships none."""

    @field_validator("options", mode="before")
    @classmethod
    def _mask(cls, options: object) -> object:
        return masked_options(options) if isinstance(options, Mapping) else options


class ExpectedCheck(_Documented):
    """One check that the run has to report, known before anything runs."""

    check: str
    """The check's stable name."""
    title: str
    """The law that it checks."""
    anomalies: tuple[str, ...]
    """The anomalies that it can report."""
    level: Level
    """The level of a certificate to which it belongs."""
    optional: bool = False
    """Whether the check may be NOT_SUPPORTED without lowering the result."""
    needs: tuple[str, ...] | None = None
    """Capabilities that the check needs; None in evidence written before this field existed."""


class Header(_Documented):
    """What a run has to do, written before the first check."""

    schema_version: Literal[1] = 1
    """The version of this schema."""
    suite_version: str
    """The version of isolation-tests that ran."""
    run_id: str
    """The run's id, part of every user name."""
    started: str
    """Start time in UTC, ISO 8601."""
    target: TargetInfo
    """The target that was tested."""
    capabilities: tuple[str, ...] = ()
    """Optional capabilities that the adapter claims."""
    axes: dict[str, str] = Field(default_factory=dict)
    """The target's axes, outer to inner, each with what a call means that omits it; empty: the user alone."""
    probed: dict[str, str] = Field(default_factory=dict)
    """Each probed capability with "ok", or why it does not work."""
    aliases: tuple[str, ...] = ()
    """Relations whose two names the target declares to be one user."""
    owner_keys: tuple[str, ...] = ()
    """Metadata keys by which the target identifies the owner."""
    seed: int | None = None
    """Seed of the generated plans; None: random."""
    profile: str = "default"
    """The profile of the run."""
    whole: bool = True
    """Whether the profile runs the whole matrix; a profile that runs only part of it reaches no level."""
    python: str = ""
    """The version of Python."""
    platform: str = ""
    """The operating system."""
    workers: int = 1
    """How many processes ran the checks."""
    known_file: str | None = None
    """File that lists the known findings."""
    known_count: int = 0
    """Number of known findings in the list."""
    expected: tuple[ExpectedCheck, ...] = ()
    """Every check that the run has to report; a missing one counts as not run."""
    selection: tuple[str, ...] = ()
    """Options that narrowed the run, such as "-k foo"; empty for a complete run."""
    variables: dict[str, str] = Field(default_factory=dict)
    """All ISOLATION_* environment variables that were set; secrets are masked."""
    budget: dict[str, float] = Field(default_factory=dict)
    """The profile's figures."""
    limits: dict[str, float] = Field(default_factory=dict)
    """The run's limits, by name: requests, requests_per_second, concurrency, seconds, bytes."""
    outline: str = ""
    """What the run was about to send, in one phrase."""
    consistency_seconds: float | None = None
    """Seconds that a write may take to become visible, as the target declares."""
    given: tuple[str, ...] = ()
    """Settings given outside the target's file: "seed", "known", and "option NAME" for each option."""
    hazards: dict[str, str] = Field(default_factory=dict)
    """Hazards that the target declares, by relation, each with the reason."""
    fail_on: tuple[str, ...] = ()
    """What else fails the run: "hazard" for hazards that the target does not declare."""
    withheld: int = Field(default=0, ge=0)
    """Number of cases published without their reproduction, which can't be judged again."""
    merged: tuple[str, ...] = ()
    """Ids of the runs that were merged into this one; empty for a single run."""
    scale: ScaleQuestion | None = None
    """What a scale run was asked; None for any other run."""

    @field_validator("probed", mode="after")
    @classmethod
    def _mask(cls, probed: dict[str, str]) -> dict[str, str]:
        return {name: masked_text(answer) for name, answer in probed.items()}


class Cost(_Documented):
    """What a run cost the target, over all of its processes."""

    calls: int = 0
    """Calls of the adapter, those that cleaned up included."""
    requests: int = 0
    """Requests that the adapter sent; an adapter that does not count them is counted by its calls."""
    bytes: int = 0
    """Bytes of text and metadata that were written."""
    users: int = 0
    """Users for whom something was written."""
    left: int = 0
    """Users whose memories could not be deleted."""
    slowest: float = 0.0
    """The largest moving average of the seconds that a call took."""
    ended: str = ""
    """Why the run ended early; empty if it did not."""


class Ending(_Documented):
    """How a run ended."""

    ended: str
    """End time in UTC, ISO 8601."""
    seconds: float
    """Duration of the run."""
    counts: dict[Verdict, int]
    """Number of checks by verdict."""
    verdict: Verdict
    """The verdict of the whole run."""
    level: Level | None
    """The highest level that was reached; None: not even the first."""
    not_run: tuple[str, ...] = ()
    """Expected checks that did not report."""
    unmatched_known: tuple[str, ...] = ()
    """Known findings that the run did not show; they fail it."""
    expired_known: tuple[str, ...] = ()
    """Known findings whose entry expired; they fail the run."""
    notes: tuple[str, ...] = ()
    """What else a reader has to know."""
    exit_status: int
    """0: held. 1: violated. 2: inconclusive or incomplete."""
    cost: Cost | None = None
    """What the run cost; None in evidence written before this field existed."""
    coverage: Coverage | None = None
    """What the run asked of all that can be asked; None in evidence written before this field existed."""
    scale: ScaleFigures | None = None
    """The figures of a scale run; None for any other run."""


class Footer(Ending):
    """The last line of an evidence file."""

    records: int
    """Number of check records before the footer."""
    digest: str
    """SHA-256 of all preceding lines, in hex."""


class Evidence(_Documented):
    """A complete evidence file that `read` accepted."""

    header: Header
    results: tuple[CheckResult, ...]
    footer: Footer
    sha256: str = ""
    """SHA-256 of the unpacked file, in hex."""


class _HeaderLine(Header):
    kind: Literal["header"]
    """Identifies the header's line."""


class _CheckLine(CheckResult):
    kind: Literal["check"]
    """Identifies a check's line."""


class _FooterLine(Footer):
    kind: Literal["footer"]
    """Identifies the footer's line."""


_LINE: TypeAdapter[Any] = TypeAdapter(
    Annotated[_HeaderLine | _CheckLine | _FooterLine, Field(discriminator="kind", title="EvidenceLine")]
)


def schema() -> dict[str, Any]:
    """The JSON Schema of one line of an evidence file; `evidence.schema.json` publishes it."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of evidence.jsonl, schema version {SCHEMA_VERSION}",
    }
    return {**_LINE.json_schema(), **head}
