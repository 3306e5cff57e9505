"""Laws about a user's whole view."""

from __future__ import annotations

from isolation_tests.engine.check import Check
from isolation_tests.engine.laws import law
from isolation_tests.model import Level
from isolation_tests.plans import Cell, compared, surfaces


@law("others-change-nothing", level=Level.HARDENED, cells=compared.VIEW_CELLS)
def test_others_change_nothing(check: Check, cell: Cell) -> None:
    """All that a user is answered is the same whether others are there or not, whatever they store and do.

    1. A rank, a score, a total or a page is computed over all users' memories before the owner filter.
    2. A message, a field or an id is computed from something that all users share.
    3. A write of one user changes nearby rows, whoever owns them.
    """
    check.run()


@law("surfaces-agree", level=Level.HARDENED, cells=surfaces.SURFACE_CELLS)
def test_surfaces_agree(check: Check, cell: Cell) -> None:
    """Lists, exports, pages, totals and calls by id agree on what a user has, between two of the user's writes.

    1. One of them reads another index or table, which lags behind or is filled differently.
    2. One of them returns or counts only one page.
    3. Two clients of the same store each have their own cache.
    """
    check.run()
