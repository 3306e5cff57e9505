"""Spans: names that follow one another, so that one line of a journal holds those of many users."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from isolation_tests.model import Frozen


class Span(Frozen):
    """The names of the users `first` to `first + count - 1`. Two users with one base form a related pair."""

    base: str
    """What every base begins with, such as "iso-ab12cd-80"."""

    first: int = Field(ge=0)
    """Index of the first user."""

    count: int = Field(ge=1)
    """Number of users."""

    forms: tuple[str, ...] = Field(min_length=2)
    """Templates of the names in turn, with `{base}` for the base: two in a row belong to one pair."""

    def name(self, index: int) -> str:
        """The name of the user with this index."""
        return self.forms[index % len(self.forms)].replace("{base}", f"{self.base}{index // 2:08x}")

    def names(self) -> Iterator[str]:
        """Every name, in order."""
        return map(self.name, range(self.first, self.first + self.count))
