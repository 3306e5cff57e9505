"""X: other users show through counts, errors, timing and side routes."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import LEAK, RETRIEVAL, TENANT
from isolation_tests.model import Level

SIDE_CHANNELS = (
    Anomaly(
        "X1",
        "counts",
        "Totals count the asking user's own memories only.",
        "medium",
        ("CWE-1230",),
        LEAK,
        ("neotoma#1889", "mem0@853ef6620"),
        "Count with the same owner filter that the listing uses.",
        Level.HARDENED,
    ),
    Anomaly(
        "X2",
        "existence",
        "A foreign id is answered exactly as an absent one: same outcome, same error, same text.",
        "medium",
        ("CWE-204",),
        (*LEAK, "NIST 800-53 r5 SI-11"),
        ("renfield#170", "fhir-server#2364"),
        "Look up by owner and id together, so that a foreign id is simply not found.",
        Level.HARDENED,
    ),
    Anomaly(
        "X3",
        "error-text",
        "An error never carries another user's data or name.",
        "high",
        ("CWE-209",),
        (*LEAK, "NIST 800-53 r5 SI-11", "ISO/IEC 27001:2022 Annex A 8.11"),
        ("CVE-2021-36156",),
        "Answer with a fixed message and a reference number. Keep the details in a log for operators.",
        Level.HARDENED,
    ),
    Anomaly(
        "X4",
        "timing",
        "How long an answer takes says nothing about other users.",
        "info",
        (),
        TENANT,
        ("CVE-2025-46570",),
        "Use separate caches and indexes per user, or accept and document the channel.",
        Level.HARDENED,
        visible=False,
        note="Informational: response times are too noisy to judge from outside, so there is no verdict.",
    ),
    Anomaly(
        "X5",
        "side-door",
        "Every route that returns memories (export, lists, batches) keeps to the asking user.",
        "critical",
        (),
        (*RETRIEVAL, "OWASP API Security 2023 API5", "GDPR 15(4)"),
        ("mem0#4236", "Asana MCP 2025"),
        "Send every route through one scoped data layer, and keep administrative routes separate.",
        Level.HARDENED,
    ),
)
