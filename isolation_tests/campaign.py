"""One run from the header to the footer: what is expected, what came, what it proves, where it is written."""

from __future__ import annotations

import datetime
import fnmatch
import platform
import secrets
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from isolation_tests import data
from isolation_tests.checks import Certifier, RunKey
from isolation_tests.laws import all_laws
from isolation_tests.model import CheckResult, Level, Plan, Verdict
from isolation_tests.problems import UsageProblem
from isolation_tests.profiles import PROFILES, Profile, profile
from isolation_tests.reporting.evidence import (
    Ending,
    Evidence,
    EvidenceWriter,
    ExpectedCheck,
    Header,
    TargetInfo,
    read,
    write_replay,
)
from isolation_tests.reporting.html import write_html
from isolation_tests.reporting.summary import Summary, exit_status, summarise
from isolation_tests.settings import DEFAULT_REPORT, Settings
from isolation_tests.targets import Target, resolve

SUITE_VERSION = metadata.version("isolation-tests")
SMOKE = "alice-and-bob"
SMOKE_ANOMALIES = ("S1", "D1", "D3", "completeness")


def new_key(seed: int | None) -> RunKey:
    """A fresh run: its id, its secret, and a seed of its own where none was asked for."""
    return RunKey(
        run_id=secrets.token_hex(3),
        secret=secrets.token_bytes(32),
        seed=secrets.randbelow(2**32) if seed is None else seed,
        began=time.monotonic(),
    )


def golden_plan(name: str) -> Plan:
    """A plan that comes with the suite; raises `UsageProblem` where the installation lacks it."""
    path = data.folder("plans") / f"{name}.json"
    if not path.is_file():
        raise UsageProblem(f"The golden plan {name} is missing from this installation; install it again.")
    return Plan.model_validate_json(path.read_text(encoding="utf-8"))


def expected_checks(asked: Profile) -> tuple[ExpectedCheck, ...]:
    """Everything a run of this profile has to report."""
    smoke = ExpectedCheck(
        check=f"smoke[{SMOKE}]",
        title="Two users each see their own fact and nothing of the other's.",
        anomalies=SMOKE_ANOMALIES,
        level=Level.CORE,
    )
    laws = (
        ExpectedCheck(
            check=entry.check_id(cell), title=entry.title, anomalies=entry.covers(cell), level=entry.level
        )
        for entry in all_laws().values()
        for cell in entry.asked(asked)
    )
    return (smoke, *laws)


class Campaign:
    """A certifying run as its first process sees it.

    Construction resolves and opens the target, probes it and takes the report folder; it raises a
    `Problem` or `EvidenceError`, in one sentence, before anything is half-written.
    """

    def __init__(self, settings: Settings, *, selection: Sequence[str] = (), workers: int = 1) -> None:
        if settings.target is None:
            raise UsageProblem(
                "No target was named. Give --isolation-target (a short name such as mem0 or reference, "
                "a .toml file, module:factory or file.py:factory), or set ISOLATION_TARGET."
            )
        self.settings = settings
        self.profile = PROFILES["ci"] if settings.profile is None else profile(settings.profile)
        self.key = new_key(settings.seed_number())
        self.target = resolve(settings.target, options=settings.option_map(), known=settings.known)
        self.folder = None if settings.report == "none" else Path(settings.report or DEFAULT_REPORT)
        self.certifier = Certifier(self.target, self.profile, self.key)
        self.header = self._header(selection, workers)
        self.results: list[CheckResult] = []
        self.replays: dict[str, Path] = {}
        self.leftovers: list[str] = []
        self.summary: Summary | None = None
        try:
            self._writer = None if self.folder is None else EvidenceWriter(self.folder, self.header)
        except Exception:
            self.certifier.close()
            raise

    def _header(self, selection: Sequence[str], workers: int) -> Header:
        config = self.target.config
        return Header(
            suite_version=SUITE_VERSION,
            run_id=self.key.run_id,
            started=_now(),
            target=TargetInfo(
                name=config.name,
                title=config.title or config.name,
                adapter=config.adapter,
                distributions=self.target.versions(),
                options={key: str(value) for key, value in config.options.items()},
                disposable=config.disposable,
            ),
            capabilities=self.certifier.claimed,
            probed=self.certifier.probed,
            aliases=config.names.aliases,
            owner_keys=self.target.owner_keys,
            seed=self.key.seed,
            profile=self.profile.name,
            python=platform.python_version(),
            platform=platform.system(),
            workers=workers,
            known_file=self.target.known_source,
            known_count=len(config.known),
            expected=expected_checks(self.profile),
            selection=tuple(selection),
        )

    def smoke(self) -> CheckResult:
        """Run the tutorial's story; `ERROR` or `INCONCLUSIVE` means that asking more would prove nothing."""
        result = self.certifier.smoke(golden_plan(SMOKE))
        self.take(result)
        return result

    def take(self, result: CheckResult) -> None:
        """Keep one check's result: in memory, in the evidence, and a replay file for each new finding."""
        self.results.append(result)
        if self._writer is None:
            return
        self._writer.append(result)
        for case in result.cases:
            if case.finding.key not in self.replays and self.folder is not None:
                self.replays[case.finding.key] = write_replay(
                    self.folder,
                    case,
                    target=self.settings.target or self.target.name,
                    suite_version=SUITE_VERSION,
                    versions=self.header.target.distributions,
                )

    def finish(self, notes: Iterable[str] = ()) -> int:
        """Judge the whole, write the footer and the page, close the target; return the exit status."""
        self.close()
        unmatched, expired = self._stale()
        summary = summarise(self.header, self.results, (*unmatched, *expired))
        status = exit_status(summary)
        self.summary = summary
        if self._writer is None or self.folder is None:
            return status
        ending = Ending(
            ended=_now(),
            seconds=round(time.monotonic() - self.key.began, 1),
            counts=summary.counts,
            verdict=summary.verdict,
            level=summary.level,
            not_run=summary.not_run,
            unmatched_known=unmatched,
            expired_known=expired,
            notes=(*notes, *self._leftover_note()),
            exit_status=status,
        )
        write_html(self._written(ending), self.folder / "report.html")
        return status

    def _written(self, ending: Ending) -> Evidence:
        if self._writer is None:
            raise RuntimeError("nothing is written in this run")
        return read(self._writer.finish(ending))

    def close(self) -> None:
        """Close the target; harmless when it is closed already."""
        if self.certifier is not None:
            self.leftovers.extend(self.certifier.leftovers)
            self.certifier.close()

    def abandon(self) -> None:
        """Leave the evidence without a footer: the run died."""
        if self._writer is not None:
            self._writer.close()

    def _leftover_note(self) -> tuple[str, ...]:
        if not self.leftovers:
            return ()
        return (f"memories of {len(self.leftovers)} users could not be deleted again: "
                f"{', '.join(sorted(self.leftovers)[:5])}",)

    def _stale(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Notes of known entries that matched nothing although their checks ran, and of expired ones."""
        today = datetime.datetime.now(datetime.UTC).date()
        found = {case.finding.key for result in self.results for case in result.cases}
        expired = tuple(
            f"the known finding {entry.finding} expired on {entry.expires}: look at it again"
            for entry in self.target.config.known
            if entry.expires < today
        )
        unmatched = tuple(
            f"the known finding {entry.finding} was not found: remove the entry, or correct it"
            for entry in self.target.config.known
            if entry.applies()
            and not any(fnmatch.fnmatchcase(key, entry.finding) for key in found)
            and self._was_asked(entry.finding)
        )
        return unmatched, expired

    def _was_asked(self, pattern: str) -> bool:
        """Whether every check of this run that could have shown the finding came to a verdict."""
        if not self.profile.whole or self.header.selection:
            return False
        anomaly = pattern.split("-")[0]
        asked = [check.check for check in self.header.expected if anomaly in check.anomalies]
        judged = {r.check for r in self.results if r.verdict in (Verdict.HELD, Verdict.VIOLATED)}
        return bool(asked) and all(check in judged for check in asked)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
