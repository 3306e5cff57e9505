"""A1 and A2: a name is matched as a part of other names, or as a pattern."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Any

from isolation_tests.faults.support.base import Fault
from isolation_tests.faults.support.merged import Resolve, merged, names
from isolation_tests.faults.support.sql import looked_up

_ESCAPED = r"replace(replace(replace(:name, '\', '\\'), '%', '\%'), '_', '\_')"
_LIKE_PREFIX = rf"user_id LIKE {_ESCAPED} || '%' ESCAPE '\'"
# Full-text indexes skip shorter words. Without this limit, nearly every name would contain a user named "1".
_SHORTEST_PART = 4


def _named(resolve: Resolve) -> Resolve:
    """Ignores names that consist of symbols only: a bare wildcard that opens everything is A9."""

    def bounded(viewer: Any, others: Sequence[Any]) -> list[Any]:
        found = resolve(viewer, others)
        return found if isinstance(viewer, str) and any(c.isalnum() for c in viewer) else []

    return bounded


def _regex_dot(viewer: str, other: str) -> bool:
    pattern = ".".join(re.escape(part) for part in viewer.split("."))
    return re.fullmatch(pattern, other, re.DOTALL) is not None


def _regex(viewer: str, other: str) -> bool:
    # Nested repeats can take for ever to fail, and simple patterns show the fault just as well.
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
        "Rows match if the owner's name begins with the user's name.",
        merged(names(lambda viewer, other: other.startswith(viewer))),
        like="CVE-2026-71433",
    ),
    Fault(
        "A1-like",
        "A1",
        "SQL searches with `LIKE user || '%'`, with the name's own wildcards escaped.",
        merged(looked_up(_LIKE_PREFIX)),
        like="CVE-2026-71433",
    ),
    Fault(
        "A1-joined",
        "A1",
        "Keys are `user:id`, but the lookup uses the user without the colon as a prefix.",
        merged(names(lambda viewer, other: f"{other}:".startswith(viewer))),
        like="MemMachine#320",
    ),
    Fault(
        "A1-nested",
        "A1",
        "Keys are `user:id` and the lookup uses the prefix `user:`, which other users' names can begin with.",
        merged(names(lambda viewer, other: other.startswith(f"{viewer}:"))),
        like="langgraphjs#2721",
    ),
    Fault(
        "A1-suffix",
        "A1",
        "Keys are looked up by their ending, and another user's name can have the same ending.",
        merged(names(lambda viewer, other: len(viewer) >= _SHORTEST_PART and other.endswith(viewer))),
    ),
    Fault(
        "A1-contains",
        "A1",
        "Names match if they contain the user's name, as in a full-text index.",
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
        "A name becomes a regular expression without escaping its dots.",
        merged(_named(names(_regex_dot))),
    ),
    Fault(
        "A2-regex",
        "A2",
        "A name is used as a regular expression.",
        merged(_named(names(_regex))),
    ),
)
