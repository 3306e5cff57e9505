"""Times of a run, as its evidence has them."""

from __future__ import annotations

import datetime as dt

from isolation_tests.core.inert import inert
from isolation_tests.reporting.evidence.errors import BadTime

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def instant(text: str) -> dt.datetime:
    """A time of the evidence in UTC; `BadTime` where it is none."""
    try:
        found = dt.datetime.fromisoformat(text)
        moment = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BadTime(inert(text, 60)) from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise BadTime(inert(text, 60))
    return moment
