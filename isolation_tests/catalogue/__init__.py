"""The catalogue as data: every named way in which isolation fails, with its law, controls and usual fix.

The ids are stable, because known findings, certificates and seeded faults refer to them.
"""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly, Severity
from isolation_tests.catalogue.concurrency import CONCURRENCY
from isolation_tests.catalogue.derived import CACHES, DERIVED
from isolation_tests.catalogue.lifetime import COMPLETE, COMPLETENESS, DELETES
from isolation_tests.catalogue.names import ALIAS
from isolation_tests.catalogue.objects import OBJECTS
from isolation_tests.catalogue.scope import SCOPE
from isolation_tests.catalogue.side_channels import SIDE_CHANNELS

__all__ = ["CATALOGUE", "COMPLETENESS", "Anomaly", "Severity", "anomaly"]


CATALOGUE: dict[str, Anomaly] = {
    entry.id: entry
    for entry in (
        *SCOPE,
        *ALIAS,
        *OBJECTS,
        *DELETES,
        *DERIVED,
        *CONCURRENCY,
        *CACHES,
        *SIDE_CHANNELS,
        *COMPLETE,
    )
}


def anomaly(id: str) -> Anomaly:
    """The catalogue's entry with this id; raises `KeyError` with the existing ids if there is none."""
    try:
        return CATALOGUE[id]
    except KeyError:
        message = f"{id!r} is not an anomaly of the catalogue; choose one of {', '.join(CATALOGUE)}"
        raise KeyError(message) from None
