"""Known findings: each with its reason, owner and expiry."""

from __future__ import annotations

import datetime as dt

from pydantic import Field, field_validator

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.distributions import is_met, requirement
from isolation_tests.model import Frozen


class Known(Frozen):
    """A finding that is known, with its reason, owner and expiry; it keeps CI green, never the certificate.

    finding: the finding's key, `<anomaly>-<operation>-<relation>`; "*" stands for any text.
    affected: a requirement such as "mem0ai>=1,<3"; where the installed version is another, the entry
    does not apply. replay: path of the replay file, from the
    target's file. reference: public source. intermittent: it shows in some runs only, so a run that does not
    show it does not make the entry stale.
    """

    finding: str
    reason: str = Field(min_length=10)
    owner: str = Field(min_length=1)
    expires: dt.date
    affected: str | None = None
    replay: str | None = None
    reference: str | None = None
    intermittent: bool = False

    @field_validator("finding")
    @classmethod
    def _names_an_anomaly(cls, finding: str) -> str:
        if finding.split("-", maxsplit=1)[0] not in CATALOGUE:
            raise ValueError(
                f"{finding!r} does not begin with an anomaly of the catalogue, as O1-get-any does"
            )
        return finding

    @field_validator("affected")
    @classmethod
    def _is_a_requirement(cls, affected: str | None) -> str | None:
        return affected if affected is None else requirement(affected)

    def applies(self) -> bool:
        """Whether the installed version is one of those affected."""
        if self.affected is None:
            return True
        return is_met(self.affected)


class KnownFile(Frozen):
    """A file of known findings that is kept apart from the target's."""

    known: tuple[Known, ...] = ()
