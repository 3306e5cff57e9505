"""D: deletes reach too far or not far enough. completeness: own memories stay."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import ACCESS, ERASURE
from isolation_tests.model import Level

COMPLETENESS = "completeness"
DELETES = (
    Anomaly(
        "D1",
        "collateral",
        "Deleting all of one user's memories leaves every other user's in place.",
        "critical",
        ("CWE-285", "CWE-459"),
        (*ACCESS, "HIPAA 164.312(c)(1)"),
        ("mem0#3746", "mem0#3928"),
        "Delete by the owner filter only and never reset a collection. Test both the synchronous and the"
        " asynchronous path.",
        Level.CORE,
    ),
    Anomaly(
        "D2",
        "wide-reset",
        "Maintenance on behalf of one user leaves every other user's memories in place.",
        "high",
        ("CWE-285", "CWE-459"),
        (*ACCESS, "HIPAA 164.312(c)(1)", "OWASP API Security 2023 API5"),
        ("mem0#6279", "graphiti#1657"),
        "Scope maintenance by owner like any other write, and keep global resets out of users' reach.",
        Level.HARDENED,
    ),
    Anomaly(
        "D3",
        "partial",
        "Deleting all of a user's memories deletes all of them, however many pages they fill.",
        "high",
        ("CWE-459",),
        ERASURE,
        ("mem0#4957",),
        "Delete by filter in one statement, or page by page until a page is empty, and count afterwards.",
        Level.CORE,
    ),
    Anomaly(
        "D4",
        "ghost",
        "What was deleted stays gone, on every surface and after later writes.",
        "high",
        ("CWE-212", "CWE-459"),
        ERASURE,
        ("mem0#3245", "mem0#3695", "ruflo#2815"),
        "Delete from index, graph, history and caches together, and leave nothing that a later write of the"
        " same text could restore.",
        Level.CORE,
    ),
)
COMPLETE = (
    Anomaly(
        COMPLETENESS,
        "completeness",
        "A user's own memories stay visible to that user until that user deletes them.",
        "high",
        (),
        ("HIPAA 164.312(c)(1)", "GDPR 32(1)(b)"),
        ("langgraphjs#2721",),
        "Check that the isolation filter hides none of the owner's memories, also for names with special"
        " characters, and that no limit or clean-up drops them.",
        Level.CORE,
    ),
)
