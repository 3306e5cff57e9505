"""Reads the times in a run's evidence."""

from __future__ import annotations

import datetime as dt

from isolation_tests.core.inert import inert
from isolation_tests.reporting.evidence.errors import BadTime

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def instant(text: str) -> dt.datetime:
    """The time in UTC; raises `BadTime` if the text is not a valid time."""
    try:
        found = dt.datetime.fromisoformat(text)
        moment = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BadTime(inert(text, 60)) from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise BadTime(inert(text, 60))
    return moment
