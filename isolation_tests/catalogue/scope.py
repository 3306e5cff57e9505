"""S: the owner filter is missing, fails open or is widened."""

from __future__ import annotations

from isolation_tests.catalogue.anomaly import Anomaly
from isolation_tests.catalogue.controls import NAME, RETRIEVAL
from isolation_tests.model import Level

SCOPE = (
    Anomaly(
        "S1",
        "scope-drop",
        "A read by one user never returns another user's memory, whatever is asked and however.",
        "critical",
        ("CWE-639", "CWE-668"),
        (*RETRIEVAL, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1", "GDPR 25"),
        (
            "mem0#2783",
            "mem0#2170",
            "mem0#6423",
            "LongMemory#97",
            "adk-python#1019",
            "langchain#13260",
        ),
        "Build the owner filter in one place and let the store refuse a query without it. Test the filter's"
        " shape against the store's own client, because an unknown key is often silently ignored.",
        Level.CORE,
    ),
    Anomaly(
        "S2",
        "leg-unscoped",
        "Every leg of a retrieval (vectors, keywords, graph, rerank, sources) stays with the asking user.",
        "critical",
        ("CWE-639", "CWE-668"),
        (*RETRIEVAL, "OWASP ASVS 5.0 8.2.3", "OWASP API Security 2023 API3"),
        ("graphiti#632", "graphiti#752", "graphiti#754", "mem0#1805"),
        "Apply the owner filter in each leg, and drop foreign rows again after merging the legs.",
        Level.CORE,
    ),
    Anomaly(
        "S3",
        "missing-user-opens",
        "A missing, empty or default user is refused or sees nothing: it never stands for everybody.",
        "critical",
        ("CWE-1188",),
        (*NAME, "GDPR 25"),
        ("memanto#1891", "caura#626", "chronicle#69", "openclaw#85389"),
        "Validate the user before anything else and refuse anything but a non-empty text. Test for None"
        " instead of truth, and have no default user.",
        Level.HARDENED,
    ),
    Anomaly(
        "S4",
        "starvation",
        "A user's own memories are found however many nearer ones other users have.",
        "high",
        (),
        ("OWASP LLM 2025 LLM08", "GDPR 32(1)(b)"),
        ("mem0#6998", "mem0#7072", "pgvector#479"),
        "Filter by owner before or within the nearest-neighbour search, not after its top k. With pgvector,"
        " use iterative scans or one partition per user.",
        Level.CORE,
    ),
    Anomaly(
        "S5",
        "precedence",
        "A caller's filter narrows what the user sees; it never widens or replaces the owner's scope.",
        "critical",
        (),
        (*NAME, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1"),
        ("meho#1813", "graphiti@fa3a4274"),
        "Put the caller's whole filter in brackets and join it to the owner filter with AND. Refuse the owner"
        " key inside the caller's filter.",
        Level.HARDENED,
    ),
    Anomaly(
        "S6",
        "injection",
        "A name, key or value is data: no character in it is read as query syntax.",
        "critical",
        ("CWE-89", "CWE-943"),
        NAME,
        ("mem0#4878", "mem0#5744", "mem0#5747", "mem0#5749", "CVE-2025-67644"),
        "Bind parameters instead of inserting text into queries. If the store has no parameters, allow a"
        " short list of characters and refuse all others.",
        Level.HARDENED,
    ),
    Anomaly(
        "S7",
        "axis-drop",
        "What is stored under one value of an axis (tenant, agent, session) is reached by that value only.",
        "critical",
        ("CWE-639", "CWE-668"),
        (*RETRIEVAL, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1", "GDPR 25"),
        ("MemMachine#407", "agentmemory#817"),
        "Build one filter from the whole scope, in one place, and pass it to every query, cache key and"
        " delete. Compare values exactly, and let the store refuse a query that lacks an axis.",
        Level.CORE,
    ),
    Anomaly(
        "S8",
        "axis-union",
        "A call that omits an axis reaches what the system documents for that, and nothing more.",
        "critical",
        ("CWE-1188", "CWE-668"),
        (*NAME, "OWASP ASVS 5.0 8.2.2", "GDPR 25"),
        ("agentmemory#849",),
        "Decide for each axis what an omitted value means, and refuse where no meaning was decided. Keep the"
        " user in the filter whatever else is missing, and let reads and deletes reach the same memories.",
        Level.CORE,
    ),
    Anomaly(
        "S9",
        "axis-join",
        "Two scopes are two, also if their values are equal once they are joined to one text.",
        "critical",
        ("CWE-668", "CWE-706"),
        (*NAME, "OWASP ASVS 5.0 8.2.2"),
        ("TanStack/ai#991", "dynavec#140", "zealphp#247"),
        "Keep each axis in a column of its own. Where one key is needed, encode the values so that no two"
        " scopes share it: JSON, length prefixes, or an escape for the separator.",
        Level.CORE,
    ),
)
