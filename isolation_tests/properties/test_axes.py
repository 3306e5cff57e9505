"""Laws about more axes than the user. They are asked of targets that declare such axes, each one by its number."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell
from isolation_tests.plans.axes import scopes


@law("axes-are-applied", level=Level.CORE, cells=scopes.TWO_CELLS)
def test_axes_are_applied(check: Check, cell: Cell) -> None:
    """What one user stores under one value of an axis is seen and deleted under that value only.

    1. The axis is stored with the memory and left out of the query's filter.
    2. It is applied to the list and not to the search, the cache or the delete, or the reverse.
    3. The filter has a key that the store does not know and silently drops.
    """
    check.run()


@law("axis-values-stay-apart", level=Level.CORE, cells=scopes.RELATED_CELLS)
def test_axis_values_stay_apart(check: Check, cell: Cell) -> None:
    """Two values of an axis are two, however alike they look.

    1. The value is compared by prefix, by pattern or without case.
    2. It is cut, trimmed or normalised before it is stored or compared.
    """
    check.run()


@law("joined-axes-stay-apart", level=Level.CORE, cells=scopes.JOINED_CELLS)
def test_joined_axes_stay_apart(check: Check, cell: Cell) -> None:
    """Two scopes are two, also if their values are equal once they are written one after the other.

    1. The axes are joined to one key with a separator that a value may contain.
    2. A path or a namespace is made from them and split again.
    """
    check.run()


@law("omitted-axes-open-nothing", level=Level.CORE, cells=scopes.OMITTED_CELLS)
def test_omitted_axes_open_nothing(check: Check, cell: Cell) -> None:
    """A call that omits an axis reaches what the target declares for that, and nothing more.

    1. A missing value drops the whole filter, the user with it.
    2. A missing value is stored as an empty text, a default or null, which other calls match.
    3. A delete without the axis takes more, or less, than a list without it shows.
    """
    check.run()


@law("axes-hold-by-id", level=Level.HARDENED, cells=scopes.BY_ID_CELLS)
def test_axes_hold_by_id(check: Check, cell: Cell) -> None:
    """The id of a memory that is stored elsewhere in an axis opens, changes and deletes nothing.

    1. A call by id checks the user and no other axis, or nothing at all.
    """
    check.run()


@law("axes-hold-on-every-surface", level=Level.HARDENED, cells=scopes.SURFACE_CELLS)
def test_axes_hold_on_every_surface(check: Check, cell: Cell) -> None:
    """Totals, exports and pages keep to the axes to which lists keep.

    1. The surface has a query of its own, which was written before the axis was.
    """
    check.run()
