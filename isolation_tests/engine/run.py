"""The start of every run: its key, the smoke test, and the list of checks to expect."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Collection, Iterator
from importlib import metadata

from isolation_tests.core import packaged
from isolation_tests.core.errors import TargetProblem, UsageProblem, withheld
from isolation_tests.engine.identity import RunKey, begin_journal
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import Profile
from isolation_tests.engine.safety.watchdog import Watchdog
from isolation_tests.execution.journal import Journal
from isolation_tests.execution.session import NotClosed
from isolation_tests.model import Level, Plan
from isolation_tests.reporting.evidence.evidence import ExpectedCheck
from isolation_tests.targets.resolve import Target
from isolation_tests.targets.settings import Settings

SUITE_VERSION = metadata.version("isolation-tests")
SMOKE_PLAN = "alice-and-bob"
SMOKE = ExpectedCheck(
    check=f"smoke[{SMOKE_PLAN}]",
    title="Two users each see their own fact and nothing of the other's.",
    anomalies=("S1", "D1", "D3", "completeness"),
    level=Level.CORE,
    needs=(),
)
"""The smoke test, which every run starts with. If an adapter fails it, the other checks prove nothing."""

WITNESSES = ExpectedCheck(
    check="witnesses[whole-run]",
    title="Users whose facts are older than all else in the run keep them, and see nothing of others.",
    anomalies=("S1", "D1", "S4", "completeness"),
    level=Level.CORE,
    needs=(),
)
"""What the witnesses of a run saw. Each process that performs checks reports its own."""


def new_key(seed: int | None) -> RunKey:
    """The key of a new run: an id, a secret, and the given seed or a random one."""
    return RunKey(
        run_id=secrets.token_hex(3),
        secret=secrets.token_bytes(32),
        seed=secrets.randbelow(2**32) if seed is None else seed,
        began=time.monotonic(),
    )


def smoke_plan() -> Plan:
    """The plan of the smoke test; raises `UsageProblem` if the installation lacks it."""
    path = packaged.folder("plans") / f"{SMOKE_PLAN}.json"
    if not path.is_file():
        raise UsageProblem(
            f"The plan {SMOKE_PLAN} is missing from this installation; reinstall isolation-tests."
        )
    return Plan.model_validate_json(path.read_text(encoding="utf-8"))


def expected_checks(asked: Profile, offered: Collection[str] = ()) -> tuple[ExpectedCheck, ...]:
    """All checks that a run with this profile has to report on a target with these capabilities."""
    laws = (
        ExpectedCheck(
            check=entry.check_id(cell),
            title=entry.title,
            anomalies=entry.covers(cell),
            level=entry.level,
            optional=entry.is_optional(cell),
            needs=cell.needs,
        )
        for entry in all_laws().values()
        for cell in entry.asked(asked, offered)
    )
    return (SMOKE, *laws, WITNESSES)


def not_closed(error: BaseException) -> str:
    """That closing a target failed, without the error's text, which may hold a stranger's data."""
    told = error if isinstance(error, NotClosed) else NotClosed(error)
    return str(told).removesuffix(".")


@contextlib.contextmanager
def watched(target: Target, key: RunKey, settings: Settings) -> Iterator[Journal]:
    """The journal of a run of this process alone; if the process is killed, another one cleans up.

    settings: they name the target as it was named for this run. Raises `UsageProblem` if the journal can't be
    written.
    """
    journal, clean = begin_journal(target, key), False
    try:
        watchdog = Watchdog(journal, settings)
    except BaseException:
        journal.end()
        raise
    try:
        yield journal
        clean = True
    finally:
        journal.end()
        # What a planted fault did not delete, the target without the fault can.
        watchdog.end(clean=clean and not (target.beneath and journal.folder.exists()))


@contextlib.contextmanager
def blaming(name: str) -> Iterator[None]:
    """Turn an exception that would end the process (`sys.exit` in an adapter) into a `TargetProblem`."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - told without a text, which may be a stranger's
        code = getattr(error, "code", None)
        kind = f"{type(error).__name__}({code})" if isinstance(code, int) else withheld(error)
        raise TargetProblem(
            f"{name}: the adapter raised {kind}, which ends the process; make it raise an Exception."
        ) from None
