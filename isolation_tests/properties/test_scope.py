"""Laws about the scope filter."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, hostile, scope, side_doors


@law("scope-is-applied", level=Level.CORE, cells=scope.SCOPE_CELLS)
def test_scope_is_applied(check: Check, cell: Cell) -> None:
    """A user sees their own facts only, whatever is asked, and a user without facts sees none.

    1. The user is not passed to the call, or is passed under a key that the system ignores.
    2. The filter has a shape that the store does not expect and silently drops.
    3. One of several stores behind the adapter is not filtered.
    """
    check.run()


@law("filters-only-narrow", level=Level.HARDENED, cells=scope.filter_cells())
def test_filters_only_narrow(check: Check, cell: Cell) -> None:
    """A caller's filter narrows the caller's own memories; it never widens or replaces their scope.

    1. The scope is combined with the caller's OR or NOT without brackets.
    2. The caller's filter is merged over the scope, so an owner key in it wins.
    3. A filter that the system can't read is dropped together with the scope.
    """
    check.run()


@law("filters-are-data", level=Level.HARDENED, cells=scope.injection_cells())
def test_filters_are_data(check: Check, cell: Cell) -> None:
    """A filter's keys and values are data: none of them is read as query syntax.

    1. A value is pasted into SQL, JSON path, Lucene or Cypher instead of being bound.
    2. A key is pasted into the query, because keys can't be bound.
    3. A mapping in place of a value is passed on as an operator.
    """
    check.run()


@law("missing-user-reads-nothing", level=Level.HARDENED, cells=hostile.hostile_cells("reads"))
def test_missing_user_reads_nothing(check: Check, cell: Cell) -> None:
    """A missing, reserved or mistyped user reads nothing of anybody's.

    1. A falsy user (None, "", 0) turns the filter off.
    2. A word such as default, all or * is a wildcard or a shared place of the system.
    3. A mapping or list in place of a name is passed on as a query operator.
    """
    check.run()


@law("missing-user-writes-alone", level=Level.HARDENED, cells=hostile.hostile_cells("writes"))
def test_missing_user_writes_alone(check: Check, cell: Cell) -> None:
    """What a missing, reserved or mistyped user writes reaches nobody, and a missing user is refused.

    1. Callers without a user share one place.
    2. The user is converted to text, so None becomes a user called None.
    3. Rows without an owner are visible to all users.
    """
    check.run()


@law("missing-user-deletes-nothing", level=Level.HARDENED, cells=hostile.hostile_cells("deletes"))
def test_missing_user_deletes_nothing(check: Check, cell: Cell) -> None:
    """A missing, reserved or mistyped user deletes nothing of anybody's.

    1. A falsy user turns the delete's filter off.
    2. A word such as * or all is a wildcard of the system.
    """
    check.run()


@law("types-stay-apart", level=Level.HARDENED, cells=hostile.typed_cells())
def test_types_stay_apart(check: Check, cell: Cell) -> None:
    """Users that differ only in type, such as 1 and True, are two users or are refused.

    1. Users are compared with a loose equality.
    2. Users are converted to text or numbers before they become a key.
    """
    check.run()


@law("intruders-read-nothing", level=Level.HARDENED, cells=side_doors.intrusion_cells())
def test_intruders_read_nothing(check: Check, cell: Cell) -> None:
    """A credential opens its own user's memories only, and without a valid one nothing opens.

    1. Without a session, the system falls back to a default user or skips the check.
    2. The system does not verify a token's signature or expiry.
    3. A user named in the body, the query string or a header wins over the session.
    """
    check.run()
