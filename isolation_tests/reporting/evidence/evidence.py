"""Evidence: what a run asked, what was answered and what was proved, as a file with a published schema.

`evidence.jsonl` holds one JSON object a line: a header (what this run should do), one record a check, and a
footer (how it ended, how many records there are, and a digest of everything before it). A file without its
footer is refused: results may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, field_validator

from isolation_tests.core.masking import masked_options, masked_text
from isolation_tests.model import CheckResult, Frozen, Level, Verdict

SCHEMA_VERSION = 1
EVIDENCE_NAME = "evidence.jsonl"
REPORT_NAME = "report.html"
"""The page that lies beside the evidence it shows."""
PACKED = ".gz"
SUITE = "isolation-tests"


class TargetInfo(Frozen):
    """What was tested: its adapter, the installed distributions behind it, and its options.

    tenancy: how it tells users apart, in its file's words. source: where the target came from: its file,
    entry point or the name that the user gave. volatile: what it declares to be another each time, without
    any other user's doing. unreleased: distributions of these that are no release, with
    why. file: SHA-256 of the target's file, in hex; empty without one. packaged: that of the file which comes
    with the suite under this name; empty without one. Options are masked whenever this is made, so that no
    writer can forget to.
    """

    name: str
    title: str
    tenancy: str = ""
    adapter: str
    source: str = ""
    distributions: dict[str, str] = Field(default_factory=dict)
    options: dict[str, str] = Field(default_factory=dict)
    disposable: bool = False
    volatile: str = ""
    unreleased: dict[str, str] = Field(default_factory=dict)
    file: str = ""
    packaged: str = ""

    @field_validator("options", mode="before")
    @classmethod
    def _mask(cls, options: object) -> object:
        return masked_options(options) if isinstance(options, Mapping) else options


class ExpectedCheck(Frozen):
    """One check that this run should do, known before anything ran.

    optional: it may be NOT_SUPPORTED without lowering what was held. needs: capabilities without which it
    says nothing; None in evidence of a time when this was not written.
    """

    check: str
    title: str
    anomalies: tuple[str, ...]
    level: Level
    optional: bool = False
    needs: tuple[str, ...] | None = None


class Header(Frozen):
    """What a run set out to do, written before the first check.

    started: UTC, ISO 8601. capabilities: those claimed. probed: for each capability "ok" or why not.
    aliases: relations whose names the target declares to be one user. expected: everything this run should
    do; whatever doesn't report counts as not run. whole: the profile asks every cell of the matrix; one that
    asks a part reaches no level. selection: how it was narrowed ("-k foo"); empty if not.
    variables: every ISOLATION_* environment variable that was set, secrets masked. budget: the profile's
    figures. consistency_seconds: how long a write may take to be seen, as the target declares. given:
    settings that somebody gave beside the target's file: "seed", "known", and each option as "option NAME".
    withheld: cases that were published without what shows them, so that they can't be judged again. merged:
    ids of the runs whose results these are; empty for a run of its own.
    """

    schema_version: Literal[1] = 1
    suite_version: str
    run_id: str
    started: str
    target: TargetInfo
    capabilities: tuple[str, ...] = ()
    probed: dict[str, str] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    owner_keys: tuple[str, ...] = ()
    seed: int | None = None
    profile: str = "default"
    whole: bool = True
    python: str = ""
    platform: str = ""
    workers: int = 1
    known_file: str | None = None
    known_count: int = 0
    expected: tuple[ExpectedCheck, ...] = ()
    selection: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    budget: dict[str, float] = Field(default_factory=dict)
    consistency_seconds: float | None = None
    given: tuple[str, ...] = ()
    withheld: int = Field(default=0, ge=0)
    merged: tuple[str, ...] = ()

    @field_validator("probed", mode="after")
    @classmethod
    def _mask(cls, probed: dict[str, str]) -> dict[str, str]:
        return {name: masked_text(answer) for name, answer in probed.items()}


class Ending(Frozen):
    """How a run ended. not_run: expected checks that didn't report.

    unmatched_known, expired_known: notes of known findings that no longer fit; they fail the run.
    exit_status: 0 held, 1 violated, 2 inconclusive or incomplete.
    """

    ended: str
    seconds: float
    counts: dict[Verdict, int]
    verdict: Verdict
    level: Level | None
    not_run: tuple[str, ...] = ()
    unmatched_known: tuple[str, ...] = ()
    expired_known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exit_status: int


class Footer(Ending):
    """The last line. records: how many checks precede it. digest: SHA-256 of all preceding lines, in hex."""

    records: int
    digest: str


class Evidence(Frozen):
    """A whole evidence file, as `read` believed it. sha256: of the unpacked file, in hex."""

    header: Header
    results: tuple[CheckResult, ...]
    footer: Footer
    sha256: str = ""


class _HeaderLine(Header):
    kind: Literal["header"]


class _CheckLine(CheckResult):
    kind: Literal["check"]


class _FooterLine(Footer):
    kind: Literal["footer"]


_LINE: TypeAdapter[Any] = TypeAdapter(
    Annotated[_HeaderLine | _CheckLine | _FooterLine, Field(discriminator="kind", title="EvidenceLine")]
)


def schema() -> dict[str, Any]:
    """The JSON Schema of one line of an evidence file, as published beside this module."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of evidence.jsonl, schema version {SCHEMA_VERSION}",
    }
    return {**_LINE.json_schema(), **head}
