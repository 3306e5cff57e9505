"""O: a memory is reached by its id, its key or a handle."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import INTEGRITY, OBJECT
from isolation_tests.model import Level

BY_ID_CASES = ("CVE-2026-59705", "CVE-2026-44570", "CVE-2026-54015", "chroma#7462")


BY_ID_FIX = (
    "Put the owner into the statement itself (WHERE id = ... AND owner = ...) and answer a foreign id"
    " exactly like an absent one."
)
OBJECTS = (
    Anomaly(
        "O1",
        "read-by-id",
        "A memory is read by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*OBJECT, "OWASP LLM 2025 LLM02"),
        BY_ID_CASES,
        BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O2",
        "write-by-id",
        "A memory is changed by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*OBJECT, "HIPAA 164.312(c)(1)", "OWASP Agentic 2026 ASI06"),
        BY_ID_CASES,
        BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O3",
        "delete-by-id",
        "A memory is deleted by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*OBJECT, "HIPAA 164.312(c)(1)"),
        BY_ID_CASES,
        BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O4",
        "history-by-id",
        "A memory's history is read on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*OBJECT, "OWASP LLM 2025 LLM02", "HIPAA 164.312(b)"),
        BY_ID_CASES,
        "Store the owner with every version and check it. A history table without an owner column can't be"
        " read safely.",
        Level.HARDENED,
    ),
    Anomaly(
        "O5",
        "rebind",
        "Nothing a caller writes into metadata or an update changes whose memory it is.",
        "critical",
        ("CWE-915",),
        (*INTEGRITY, "OWASP ASVS 5.0 8.2.3", "OWASP API Security 2023 API3"),
        ("mem0#6277", "micronaut-data#3940"),
        "Set the owner last, from the session, and refuse or drop the owner's keys in the caller's metadata.",
        Level.HARDENED,
    ),
    Anomaly(
        "O6",
        "key-collision",
        "The same caller-chosen key of two users names two memories.",
        "high",
        ("CWE-694",),
        (*INTEGRITY, "OWASP API Security 2023 API1"),
        ("agno#8334", "ash#2713"),
        "Make the owner part of the primary key and of every conflict target of an upsert.",
        Level.HARDENED,
    ),
    Anomaly(
        "O7",
        "handle-replay",
        "A cursor, page token, export or job id works for the user it was given to and for nobody else.",
        "high",
        (),
        (*OBJECT, "OWASP Agentic 2026 ASI03"),
        ("e2a#782", "CVE-2020-7019"),
        "Include the user in the signed handle, or apply the caller's own filter again on every page.",
        Level.HARDENED,
    ),
)
