"""A5, A8 and A9: a name is read as a list, a path or a reserved word."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from isolation_tests.faults.support.base import Fault
from isolation_tests.faults.support.merged import folded, merged, names, opens

_SEPARATORS = str.maketrans(dict.fromkeys("&=_:/.|,; ", "-"))
_WORDS = frozenset(
    [
        *("all", "_all", "$all", "any", "everyone", "everybody", "public", "global", "shared"),
        *("admin", "administrator", "root", "system", "superuser", "anonymous"),
    ]
)


def _from_pairs(name: str) -> str:
    pairs: dict[str, str] = dict(re.findall(r"(\w+)=([^&=]*)", f"user={name}&kind=memory"))
    return pairs["user"]


def _path(name: str) -> str:
    return posixpath.normpath(f"/{name}").strip("/")


def _negated(viewer: str, other: str) -> bool:
    return viewer[:1] in ("!", "-") and viewer[1:] != other


FAULTS = (
    Fault(
        "A5-separator",
        "A5",
        "Every separator in a name becomes a hyphen in the key.",
        merged(folded(lambda name: name.translate(_SEPARATORS))),
        like="memanto#1317",
    ),
    Fault(
        "A5-pairs",
        "A5",
        "The scope is stored as `user=name&kind=memory`, and `&` or `=` in a name ends the name.",
        merged(folded(_from_pairs)),
        like="mem0#6892",
    ),
    Fault(
        "A5-split-at-colon",
        "A5",
        "The scope is stored as `name:kind` and split at the first colon.",
        merged(folded(lambda name: name.partition(":")[0])),
        like="langgraphjs#2803",
    ),
    Fault(
        "A8-normpath",
        "A8",
        "A user is a folder and its path is normalised, so `a/../b` and `b/.` are the user b.",
        merged(folded(_path)),
        like="CVE-2021-36156",
    ),
    Fault(
        "A8-unquote",
        "A8",
        "A name in a URL is decoded once too often, so `%2f` becomes `/`.",
        merged(folded(unquote)),
        like="CVE-2026-21726",
    ),
    Fault(
        "A8-unquoted-path",
        "A8",
        "A name in a URL is decoded twice too often and normalised, so `%252e%252e` leads upwards.",
        merged(folded(lambda name: _path(unquote(unquote(name))))),
    ),
    Fault(
        "A8-plus-is-space",
        "A8",
        "A name in a URL is decoded like a form, so `+` becomes a space.",
        merged(folded(lambda name: name.replace("+", " "))),
    ),
    Fault(
        "A8-backslash",
        "A8",
        "A user is a folder, and a backslash separates folders like a slash.",
        merged(folded(lambda name: name.replace("\\", "/"))),
    ),
    Fault(
        "A8-cut-at-query",
        "A8",
        "A name in a URL is not encoded, so it ends at `?`, `#` or `;`.",
        merged(folded(lambda name: re.split("[?#;]", name, maxsplit=1)[0])),
    ),
    Fault(
        "A9-star-opens",
        "A9",
        'The user "*" means all users.',
        merged(opens(lambda user: user == "*"), override=True),
    ),
    Fault(
        "A9-percent-opens",
        "A9",
        'The user "%" is an SQL wildcard and means all users.',
        merged(opens(lambda user: user == "%"), override=True),
    ),
    Fault(
        "A9-root-opens",
        "A9",
        'The users "/", "." and ".." are the root of a tree of names, so they mean all users.',
        merged(opens(lambda user: user in ("/", ".", "..")), override=True),
    ),
    Fault(
        "A9-word-opens",
        "A9",
        "Users with the name of a system word (all, admin, public) mean all users.",
        merged(opens(lambda user: isinstance(user, str) and user in _WORDS), override=True),
    ),
    Fault(
        "A9-negated",
        "A9",
        "A name that begins with `!` or `-` means all users except that name.",
        merged(names(_negated)),
    ),
    Fault(
        "A9-range",
        "A9",
        "A name that begins with `>` means all names that sort after the rest of it.",
        merged(names(lambda viewer, other: viewer[:1] == ">" and other > viewer[1:])),
    ),
)
