"""C: calls overlap, or state outlives its call."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import TENANT, THREADS
from isolation_tests.model import Level

CONCURRENCY = (
    Anomaly(
        "C1",
        "shared-handle",
        "Calls of different users on one shared object never take over each other's user.",
        "critical",
        ("CWE-362", "CWE-488"),
        THREADS,
        ("graphiti#1331", "graphiti#1676", "Memori#136"),
        "Pass the user as an argument through all layers, and keep no state of a call on the shared object.",
        Level.CONCURRENT,
    ),
    Anomaly(
        "C2",
        "ambient",
        "A call keeps its own user however calls of other users overlap with it.",
        "critical",
        ("CWE-362", "CWE-488"),
        (*THREADS, "OWASP ASVS 5.0 8.3.3", "OWASP Agentic 2026 ASI03"),
        ("amfs#191",),
        "Use a context variable instead of a thread-local, copy the context into every executor and task,"
        " or pass the user explicitly.",
        Level.CONCURRENT,
    ),
    Anomaly(
        "C3",
        "crossed-reply",
        "A reply reaches the caller who asked, also after cancellations, time-outs and failures.",
        "critical",
        ("CWE-362", "CWE-488"),
        THREADS,
        ("ChatGPT 20 March 2023", "CVE-2026-25536", "CVE-2026-111770"),
        "Close a connection whose call was cut short instead of returning it to the pool, and match"
        " replies to requests by id.",
        Level.CONCURRENT,
    ),
    Anomaly(
        "C4",
        "pool-state",
        "A session setting never outlives its call on a pooled connection.",
        "critical",
        ("CWE-488",),
        THREADS,
        ("node-postgres#2897", "areev#192"),
        "Set the user for the transaction only (SET LOCAL, set_config with is_local true) and reset a"
        " connection when it returns to the pool.",
        Level.CONCURRENT,
    ),
    Anomaly(
        "C5",
        "engine",
        "A cached plan or policy of the database engine never serves another user.",
        "high",
        (),
        TENANT,
        ("CVE-2023-2455", "CVE-2019-10130"),
        "Run a patched engine, and keep an explicit owner filter beside row-level security.",
        Level.CONCURRENT,
        visible=False,
        note="Mostly invisible from outside, so no check can prove its absence. Compare the engine's version"
        " with its advisories.",
    ),
)
