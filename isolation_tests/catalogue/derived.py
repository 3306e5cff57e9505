"""M: data derived from memories crosses users. K: cached answers cross users."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import CACHE, INTEGRITY, RETRIEVAL
from isolation_tests.model import Level

DERIVED = (
    Anomaly(
        "M1",
        "dedup",
        "Equal texts of two users are two memories with ids of their own.",
        "high",
        ("CWE-668",),
        INTEGRITY,
        ("XMem#199", "eliza#13257"),
        "Make the owner part of the content hash and of every look-up for duplicates.",
        Level.CORE,
    ),
    Anomaly(
        "M2",
        "entity-merge",
        "Entities of the same name that two users mention stay apart, with their facts.",
        "high",
        ("CWE-668",),
        RETRIEVAL,
        ("mem0#5441", "seocho#579"),
        "Key entity nodes by owner and name, and let edges run within one owner only.",
        Level.CORE,
    ),
    Anomaly(
        "M3",
        "blend",
        "A consolidation or summary is made from one user's memories only.",
        "high",
        ("CWE-668",),
        RETRIEVAL,
        ("hal0#1300",),
        "Run consolidation per user, on that user's memories only, and store the owner with the result.",
        Level.HARDENED,
    ),
    Anomaly(
        "M4",
        "foreign-update",
        "What one user writes never rewrites or removes another user's memory.",
        "critical",
        ("CWE-668",),
        INTEGRITY,
        ("mem0#2170",),
        "Scope the look-up for related memories by owner before anything is merged, and check the owner"
        " again on each resulting update.",
        Level.CORE,
    ),
    Anomaly(
        "M5",
        "misattribution",
        "Background work writes under the user who caused it.",
        "high",
        ("CWE-668",),
        (*INTEGRITY, "OWASP Agentic 2026 ASI03"),
        ("cognee v1.2.2.dev3",),
        "Store the owner in the job itself instead of ambient state, and refuse a job without an owner.",
        Level.HARDENED,
    ),
)
CACHES = (
    Anomaly(
        "K1",
        "cache-key",
        "An answer cached for one user is never served to another.",
        "critical",
        ("CWE-524",),
        CACHE,
        ("semantic-router#1448", "wso2#733"),
        "Make the user part of every cache key, and drop a user's entries when that user writes.",
        Level.CORE,
    ),
    Anomaly(
        "K2",
        "soft-scope",
        "Nearness in meaning never decides whose memory is returned.",
        "critical",
        ("CWE-524",),
        CACHE,
        ("semantic-router#2134",),
        "Filter by owner exactly. A distance threshold measures relevance and is not access control.",
        Level.CORE,
    ),
)
