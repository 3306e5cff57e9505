"""Laws about the other ways to read memories."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, side_doors


@law("every-route-stays-own", level=Level.HARDENED, cells=side_doors.ROUTE_CELLS)
def test_every_route_stays_own(check: Check, cell: Cell) -> None:
    """Exports, pages and versions hold the asking user's memories only, as search and get_all do.

    1. The route was written for administrators and lacks the owner filter.
    2. The last page is filled up or continued with the next rows in the store.
    3. Exports of several users are prepared in one place.
    """
    check.run()
