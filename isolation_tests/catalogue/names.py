"""A: two users are taken for one."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import NAME
from isolation_tests.model import Level

ALIAS = (
    Anomaly(
        "A1",
        "prefix",
        "A name that begins with another user's name is another user.",
        "critical",
        ("CWE-187",),
        NAME,
        ("CVE-2026-71433", "langgraph#8478", "langgraphjs#2721", "MemMachine#320"),
        "Compare whole names or whole path segments, never a bare prefix. End each segment with a separator"
        " that names can't contain.",
        Level.CORE,
    ),
    Anomaly(
        "A2",
        "pattern",
        "A name is compared literally: no character of it matches other names.",
        "critical",
        ("CWE-187",),
        NAME,
        ("langgraph#8300", "stash#5"),
        "Use equality. If LIKE, GLOB or a regular expression is needed, escape every special character.",
        Level.CORE,
    ),
    Anomaly(
        "A3",
        "fold",
        "Names that differ in case, accents or padding are different users, unless declared to be one.",
        "high",
        ("CWE-178",),
        NAME,
        ("camunda#63654", "actor-ts#707"),
        "Use a binary collation for the owner column and never trim or case-fold a name. Or normalise once at"
        " sign-up, refuse duplicates there, and declare the aliases.",
        Level.CORE,
    ),
    Anomaly(
        "A4",
        "normal-form",
        "Names that differ in their code points are different users, unless declared to be one.",
        "high",
        ("CWE-176",),
        NAME,
        ("Spotify 2013",),
        "Normalise once, before the name becomes a key, and refuse a name that normalises to an existing one."
        " Prefer opaque ids as keys.",
        Level.CORE,
    ),
    Anomaly(
        "A5",
        "separator",
        "A key joined from several parts belongs to exactly one combination of these parts.",
        "critical",
        ("CWE-694",),
        NAME,
        ("mem0#6892", "memanto#1317", "langgraphjs#2803"),
        "Keep the parts in separate columns, or encode each part (length prefix, JSON array,"
        " percent-encoding) before joining.",
        Level.CORE,
    ),
    Anomaly(
        "A6",
        "coercion",
        'Values of different types or spellings (1, "1", 1.0, True, "01") never become one user in silence.',
        "high",
        ("CWE-694",),
        NAME,
        ("CVE-2022-1176",),
        "Accept only text as a user and refuse every other type. Compare without numeric conversion.",
        Level.HARDENED,
    ),
    Anomaly(
        "A7",
        "truncation",
        "Every character of a name counts, the last one of a long name too.",
        "high",
        ("CWE-694",),
        NAME,
        (),
        "Refuse names longer than the column, and derive fixed-length keys with a full-length hash.",
        Level.CORE,
    ),
    Anomaly(
        "A8",
        "path",
        "A name never leads out of its own place in a path or URL.",
        "critical",
        ("CWE-22",),
        NAME,
        ("CVE-2021-36156", "CVE-2021-36157", "CVE-2026-21726"),
        "Percent-encode the name as one segment, or hash it, and check that the resolved path is still"
        " inside the user's own folder.",
        Level.CORE,
    ),
    Anomaly(
        "A9",
        "reserved",
        "A name that equals a reserved word or symbol of the system is refused or is an ordinary user.",
        "critical",
        (),
        NAME,
        (),
        "Keep wildcards and system groups apart from names, in a type or column of their own, and refuse"
        " reserved words as names.",
        Level.HARDENED,
    ),
)
