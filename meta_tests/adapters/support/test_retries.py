"""A service that asks to be left alone is: for as long as it asks, and by the whole run if that is long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from tenacity import RetryError, Retrying

from isolation_tests.adapters.support.retries import policy, seconds_of
from isolation_tests.core import metering


class Meter:
    """Notes for how long the whole run is to wait."""

    def __init__(self) -> None:
        self.held: list[float] = []

    def request(self) -> None:
        raise NotImplementedError

    def paused(self, seconds: float) -> None:
        raise NotImplementedError

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


@pytest.fixture
def meter() -> Iterator[Meter]:
    noting = Meter()
    metering.begin(noting)
    yield noting
    metering.begin(None)


def naps(asked: float | None, tries: int) -> list[float]:
    """For how long a call waits that a service turns away each time."""
    slept: list[float] = []
    trying = Retrying(sleep=slept.append, **policy(lambda _: asked, tries))
    with pytest.raises(RetryError):
        trying(turned_away)
    return slept


def turned_away() -> None:
    raise ConnectionError("429")


def test_a_call_waits_as_long_as_it_is_asked_to_and_a_little_longer(meter: Meter) -> None:
    slept = naps(7, tries=4)
    assert len(slept) == 3
    assert all(7 <= seconds <= 7.7 for seconds in slept)
    assert len({*slept}) == 3, "whoever was told the same must not come back at the same moment"
    assert meter.held == [7], "at the last try, the whole run waits"


def test_a_pause_that_is_longer_than_a_run_waits_holds_the_whole_run(meter: Meter) -> None:
    assert naps(3600, tries=4) == []
    assert meter.held == [3600]


def test_without_a_word_a_call_guesses(meter: Meter) -> None:
    assert all(0 <= seconds <= 5 for seconds in naps(None, tries=4))
    assert meter.held == []


def test_retry_after_is_a_number_or_a_date() -> None:
    assert (seconds_of("12"), seconds_of("0"), seconds_of("-5")) == (12, 0, 0)
    assert (seconds_of(None), seconds_of(""), seconds_of("soon")) == (None, None, None)
    later = seconds_of(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert later is not None
    assert 80 < later <= 90
