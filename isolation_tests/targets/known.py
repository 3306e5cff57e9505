"""Known findings: each has a reason, an owner and an expiry date."""

from __future__ import annotations

import datetime as dt

from pydantic import Field, field_validator

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.distributions import is_met, requirement
from isolation_tests.model import Frozen


class Known(Frozen):
    """A known finding. It does not fail a build, but it still blocks every level."""

    finding: str
    """The finding's key, `<anomaly>-<operation>-<relation>`; "*" matches any text."""

    reason: str = Field(min_length=10)
    """Why the finding is accepted for now."""

    owner: str = Field(min_length=1)
    """Who is responsible for it."""

    expires: dt.date
    """The last day on which the entry counts."""

    affected: str | None = None
    """A version requirement such as "mem0ai>=1,<3"; the entry applies to these versions only."""

    replay: str | None = None
    """Path of the replay file, relative to the target's file."""

    reference: str | None = None
    """A public source that describes the finding."""

    intermittent: bool = False
    """Whether only some runs show the finding; a run that does not show it then leaves the entry valid."""

    @field_validator("finding")
    @classmethod
    def _names_an_anomaly(cls, finding: str) -> str:
        if finding.split("-", maxsplit=1)[0] not in CATALOGUE:
            raise ValueError(f"{finding!r} must begin with the id of an anomaly, as in O1-get-any")
        return finding

    @field_validator("affected")
    @classmethod
    def _is_a_requirement(cls, affected: str | None) -> str | None:
        return affected if affected is None else requirement(affected)

    def applies(self) -> bool:
        """Whether the installed version is affected."""
        if self.affected is None:
            return True
        return is_met(self.affected)


class KnownFile(Frozen):
    """A separate file of known findings."""

    known: tuple[Known, ...] = ()
    """The known findings."""
