"""A1, A2, A5, A8 and A9: a name is read as a beginning, a pattern, a list, a path or a reserved word."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from isolation_tests.faults.base import Fault
from isolation_tests.faults.merged import Resolve, folded, merged, names, opens
from isolation_tests.faults.sql import looked_up

_ESCAPED = r"replace(replace(replace(:name, '\', '\\'), '%', '\%'), '_', '\_')"
_LIKE_PREFIX = rf"user_id LIKE {_ESCAPED} || '%' ESCAPE '\'"
_SEPARATORS = str.maketrans(dict.fromkeys("&=_:/.|", "-"))
_WORDS = frozenset(
    [
        *("all", "any", "everyone", "everybody", "public", "global", "shared", "admin", "administrator"),
        *("root", "system", "superuser", "anonymous", "null", "none", "nil", "undefined", "nan"),
    ]
)


def _named(resolve: Resolve) -> Resolve:
    """Leave out names of nothing but symbols: that a bare wildcard opens all is another anomaly (A9)."""

    def bounded(viewer: Any, others: Sequence[Any]) -> list[Any]:
        found = resolve(viewer, others)
        return found if isinstance(viewer, str) and any(c.isalnum() for c in viewer) else []

    return bounded


def _regex_dot(viewer: str, other: str) -> bool:
    pattern = ".".join(re.escape(part) for part in viewer.split("."))
    return re.fullmatch(pattern, other, re.DOTALL) is not None


def _from_pairs(name: str) -> str:
    parts = f"user={name}&kind=memory".split("&")
    return dict(part.split("=", 1) for part in parts if "=" in part)["user"]


def _path(name: str) -> str:
    return posixpath.normpath(f"/{name}").strip("/")


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
        merged(names(lambda viewer, other: other.endswith(viewer))),
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
        "A5-separator",
        "A5",
        "Every separator in a name becomes a hyphen when the key is made.",
        merged(folded(lambda name: name.translate(_SEPARATORS))),
        like="memanto#1317",
    ),
    Fault(
        "A5-pairs",
        "A5",
        "The scope is joined as `user=name&kind=memory` and read back, and `&` in a name starts a new pair.",
        merged(folded(_from_pairs)),
        like="mem0#6892",
    ),
    Fault(
        "A5-split-at-colon",
        "A5",
        "The scope is joined as `name:kind` and split at the first colon.",
        merged(folded(lambda name: name.partition(":")[0])),
        like="langgraphjs#2803",
    ),
    Fault(
        "A8-normpath",
        "A8",
        "A user is a folder, and the path is normalised below the root: `a/../b` and `b/.` are b.",
        merged(folded(_path)),
        like="CVE-2021-36156",
    ),
    Fault(
        "A8-unquote",
        "A8",
        "A name in a URL is decoded once too often: `%2f` is `/`.",
        merged(folded(unquote)),
        like="CVE-2026-21726",
    ),
    Fault(
        "A8-cut-at-query",
        "A8",
        "A name in a URL is not encoded: all from `?`, `#` or `;` on is cut off.",
        merged(folded(lambda name: re.split("[?#;]", name, maxsplit=1)[0])),
    ),
    Fault(
        "A9-star-opens",
        "A9",
        'The user "*" means everyone.',
        merged(opens(lambda user: user == "*"), override=True),
    ),
    Fault(
        "A9-word-opens",
        "A9",
        "Users named like a word of the system (all, admin, null, undefined) mean everyone.",
        merged(opens(lambda user: isinstance(user, str) and user.lower() in _WORDS), override=True),
    ),
)
