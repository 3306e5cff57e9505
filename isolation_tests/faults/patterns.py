"""A1 and A2: a name is read as a part of other names, or as a pattern."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Any

from isolation_tests.faults.base import Fault
from isolation_tests.faults.merged import Resolve, merged, names
from isolation_tests.faults.sql import looked_up

_ESCAPED = r"replace(replace(replace(:name, '\', '\\'), '%', '\%'), '_', '\_')"
_LIKE_PREFIX = rf"user_id LIKE {_ESCAPED} || '%' ESCAPE '\'"
# Full-text indexes skip shorter words; without that, a user named "1" would be found in nearly every name.
_SHORTEST_PART = 4


def _named(resolve: Resolve) -> Resolve:
    """Leave out names of nothing but symbols: that a bare wildcard opens all is another anomaly (A9)."""

    def bounded(viewer: Any, others: Sequence[Any]) -> list[Any]:
        found = resolve(viewer, others)
        return found if isinstance(viewer, str) and any(c.isalnum() for c in viewer) else []

    return bounded


def _regex_dot(viewer: str, other: str) -> bool:
    pattern = ".".join(re.escape(part) for part in viewer.split("."))
    return re.fullmatch(pattern, other, re.DOTALL) is not None


def _regex(viewer: str, other: str) -> bool:
    # Nested repeats can take for ever to fail; simple ones show the fault as well.
    if re.search(r"\)[*+?{]|([*+].*){4}", viewer, re.DOTALL):
        return False
    try:
        return re.fullmatch(viewer, other, re.DOTALL) is not None
    except (re.error, OverflowError, FutureWarning):
        return False


FAULTS = (
    Fault(
        "A1-prefix",
        "A1",
        "Rows are found by the beginning of the owner's name.",
        merged(names(lambda viewer, other: other.startswith(viewer))),
        like="CVE-2026-71433",
    ),
    Fault(
        "A1-like",
        "A1",
        "SQL looks for `LIKE user || '%'`, with the name's own wildcards escaped.",
        merged(looked_up(_LIKE_PREFIX)),
        like="CVE-2026-71433",
    ),
    Fault(
        "A1-joined",
        "A1",
        "Keys are `user:id` and are looked up by the user without the colon.",
        merged(names(lambda viewer, other: f"{other}:".startswith(viewer))),
        like="MemMachine#320",
    ),
    Fault(
        "A1-nested",
        "A1",
        "Keys are `user:id` and are looked up by `user:`, below which other users' names go on.",
        merged(names(lambda viewer, other: other.startswith(f"{viewer}:"))),
        like="langgraphjs#2721",
    ),
    Fault(
        "A1-suffix",
        "A1",
        "Keys are looked up by how they end, and another user's name ends alike.",
        merged(names(lambda viewer, other: len(viewer) >= _SHORTEST_PART and other.endswith(viewer))),
    ),
    Fault(
        "A1-contains",
        "A1",
        "Names are found by a part of them, as a full-text index does.",
        merged(names(lambda viewer, other: len(viewer) >= _SHORTEST_PART and viewer in other)),
    ),
    Fault(
        "A2-underscore",
        "A2",
        "SQL compares with LIKE, where `_` and `%` in a name match anything.",
        merged(_named(looked_up("user_id LIKE :name"))),
        like="langgraph#8300",
    ),
    Fault(
        "A2-glob",
        "A2",
        "Names are matched as file patterns, with `*`, `?` and `[`.",
        merged(_named(names(lambda viewer, other: fnmatch.fnmatchcase(other, viewer)))),
        like="stash#5",
    ),
    Fault(
        "A2-regex-dot",
        "A2",
        "A name becomes a regular expression in which the dots were not escaped.",
        merged(_named(names(_regex_dot))),
    ),
    Fault(
        "A2-regex",
        "A2",
        "A name is used as a regular expression.",
        merged(_named(names(_regex))),
    ),
)
