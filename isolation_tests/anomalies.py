"""The catalogue as data: every named way isolation fails, its law, what it speaks to, and how it is fixed.

The ids are stable: known findings, certificates and seeded faults refer to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isolation_tests.model import Level

__all__ = ["CATALOGUE", "COMPLETENESS", "Anomaly", "Severity", "anomaly"]

Severity = Literal["critical", "high", "medium", "low", "info"]
COMPLETENESS = "completeness"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One named way isolation fails.

    law: what always holds where the anomaly is absent. cwe, controls: identifiers the evidence speaks to,
    never a claim of compliance. cases: public issues and advisories in which it happened. fix: how it is
    usually fixed. level: the lowest certificate level whose checks look for it.
    visible: False where nothing can be judged through an adapter; `note` then says why.
    """

    id: str
    name: str
    law: str
    severity: Severity
    cwe: tuple[str, ...]
    controls: tuple[str, ...]
    cases: tuple[str, ...]
    fix: str
    level: Level
    visible: bool = True
    note: str = ""


_TENANT = (
    "OWASP ASVS 5.0 8.4.1",
    "NIST 800-53 r5 SC-4",
    "CSA CCM v4 IVS-06",
    "CSA AICM I&S-06",
    "ISO/IEC 27001:2022 Annex A 5.23",
    "PCI DSS 4.0.1 A1.1.x",
)
_ACCESS = (
    *_TENANT,
    "NIST 800-53 r5 AC-3",
    "HIPAA 164.312(a)(1)",
    "SOC 2 CC6.1",
    "ISO/IEC 27001:2022 Annex A 8.3",
    "GDPR 32(1)(b)",
    "GDPR 5(1)(f)",
)
_LEAK = (
    *_ACCESS,
    "NIST 800-53 r5 AC-4",
    "OWASP LLM 2025 LLM02",
    "ISO/IEC 27001:2022 Annex A 8.12",
    "SOC 2 C1.1",
)
_RETRIEVAL = (*_LEAK, "OWASP LLM 2025 LLM08")
_NAME = (*_LEAK, "NIST 800-53 r5 SI-10")
_OBJECT = (*_ACCESS, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1")
_INTEGRITY = (*_ACCESS, "HIPAA 164.312(c)(1)", "OWASP Agentic 2026 ASI06")
_ERASURE = (
    "NIST 800-53 r5 SI-12(3)",
    "ISO/IEC 27001:2022 Annex A 8.10",
    "SOC 2 C1.2",
    "SOC 2 P4.3",
    "GDPR 17",
)
_THREADS = (*_LEAK, "OWASP ASVS 5.0 15.4.1")
_CACHE = (*_RETRIEVAL, "OWASP ASVS 5.0 14.2.2")

_SCOPE = (
    Anomaly(
        "S1",
        "scope-drop",
        "A read by one user never returns another user's memory, whatever is asked and however.",
        "critical",
        ("CWE-639", "CWE-668"),
        (*_RETRIEVAL, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1", "GDPR 25"),
        (
            "mem0#2783",
            "mem0#2170",
            "mem0#6423",
            "LongMemory#97",
            "adk-python#1019",
            "langchain#13260",
        ),
        "Build the owner filter in one place and let the store refuse a query without it. Test the filter's"
        " shape against the store's own client, since an unknown key is often ignored in silence.",
        Level.CORE,
    ),
    Anomaly(
        "S2",
        "leg-unscoped",
        "Every leg of a retrieval (vectors, keywords, graph, rerank, sources) stays with the asking user.",
        "critical",
        ("CWE-639", "CWE-668"),
        (*_RETRIEVAL, "OWASP ASVS 5.0 8.2.3", "OWASP API Security 2023 API3"),
        ("graphiti#632", "graphiti#752", "graphiti#754", "mem0#1805"),
        "Give each leg the owner filter itself, and drop foreign rows once more after the legs are merged.",
        Level.CORE,
    ),
    Anomaly(
        "S3",
        "missing-user-opens",
        "A missing, empty or default user is refused or sees nothing: it never stands for everybody.",
        "critical",
        ("CWE-1188",),
        (*_NAME, "GDPR 25"),
        ("memanto#1891", "caura#626", "chronicle#69", "openclaw#85389"),
        "Validate the user before anything else and refuse what isn't a non-empty text. Test for absence,"
        " not for truth, and have no default user.",
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
        "Filter by owner before or within the nearest-neighbour search instead of after its top k; with"
        " pgvector use iterative scans or a partition a user.",
        Level.CORE,
    ),
    Anomaly(
        "S5",
        "precedence",
        "A caller's filter narrows what the user sees; it never widens or replaces the owner's scope.",
        "critical",
        (),
        (*_NAME, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1"),
        ("meho#1813", "graphiti@fa3a4274"),
        "Join the owner filter and the whole of the caller's filter with AND, in brackets, and refuse the"
        " owner key inside the caller's.",
        Level.HARDENED,
    ),
    Anomaly(
        "S6",
        "injection",
        "A name, key or value is data: no character in it is read as query syntax.",
        "critical",
        ("CWE-89", "CWE-943"),
        _NAME,
        ("mem0#4878", "mem0#5744", "mem0#5747", "mem0#5749", "CVE-2025-67644"),
        "Bind parameters instead of pasting text into queries; where the store has no parameters, allow a"
        " short list of characters and refuse the rest.",
        Level.HARDENED,
    ),
)

_ALIAS = (
    Anomaly(
        "A1",
        "prefix",
        "A name that begins with another user's name is another user.",
        "critical",
        ("CWE-187",),
        _NAME,
        ("CVE-2026-71433", "langgraph#8478", "langgraphjs#2721", "MemMachine#320"),
        "Compare whole names or whole path segments, never with a bare prefix: end each segment with a"
        " separator that names can't hold.",
        Level.CORE,
    ),
    Anomaly(
        "A2",
        "pattern",
        "A name is compared literally: no character of it matches other names.",
        "critical",
        ("CWE-187",),
        _NAME,
        ("langgraph#8300", "stash#5"),
        "Use equality; where LIKE, GLOB or a regular expression is needed, escape every special character.",
        Level.CORE,
    ),
    Anomaly(
        "A3",
        "fold",
        "Names that differ in case, accents or padding are different users, unless declared to be one.",
        "high",
        ("CWE-178",),
        _NAME,
        ("camunda#63654", "actor-ts#707"),
        "Use a binary collation for the owner column and never trim or fold a name; or normalise once at"
        " sign-up, refuse duplicates there, and declare it.",
        Level.CORE,
    ),
    Anomaly(
        "A4",
        "normal-form",
        "Names that differ in their code points are different users, unless declared to be one.",
        "high",
        ("CWE-176",),
        _NAME,
        ("Spotify 2013",),
        "Normalise in one place, once, before the name becomes a key, and refuse a name that normalises to"
        " a taken one; prefer opaque ids as keys.",
        Level.CORE,
    ),
    Anomaly(
        "A5",
        "separator",
        "A key joined from several parts belongs to exactly one combination of these parts.",
        "critical",
        ("CWE-694",),
        _NAME,
        ("mem0#6892", "memanto#1317", "langgraphjs#2803"),
        "Keep the parts in columns of their own, or encode each part (length prefix, JSON array,"
        " percent-encoding) before joining.",
        Level.CORE,
    ),
    Anomaly(
        "A6",
        "coercion",
        'Values of different types or spellings (1, "1", 1.0, True, "01") never become one user in silence.',
        "high",
        ("CWE-694",),
        _NAME,
        ("CVE-2022-1176",),
        "Accept text only as a user and refuse every other type; compare without numeric conversion.",
        Level.HARDENED,
    ),
    Anomaly(
        "A7",
        "truncation",
        "Every character of a name counts, the last one of a long name too.",
        "high",
        ("CWE-694",),
        _NAME,
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
        _NAME,
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
        _NAME,
        (),
        "Keep wildcards and system groups out of the space of names: a type or a column of their own, and"
        " refusal of the reserved words as names.",
        Level.HARDENED,
    ),
)

_BY_ID_CASES = ("CVE-2026-59705", "CVE-2026-44570", "CVE-2026-54015", "chroma#7462")
_BY_ID_FIX = (
    "Put the owner into the statement itself (WHERE id = ... AND owner = ...) and answer a foreign id"
    " exactly as an absent one."
)
_OBJECTS = (
    Anomaly(
        "O1",
        "read-by-id",
        "A memory is read by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*_OBJECT, "OWASP LLM 2025 LLM02"),
        _BY_ID_CASES,
        _BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O2",
        "write-by-id",
        "A memory is changed by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*_OBJECT, "HIPAA 164.312(c)(1)", "OWASP Agentic 2026 ASI06"),
        _BY_ID_CASES,
        _BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O3",
        "delete-by-id",
        "A memory is deleted by its id on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*_OBJECT, "HIPAA 164.312(c)(1)"),
        _BY_ID_CASES,
        _BY_ID_FIX,
        Level.HARDENED,
    ),
    Anomaly(
        "O4",
        "history-by-id",
        "A memory's history is read on behalf of its owner only.",
        "critical",
        ("CWE-639",),
        (*_OBJECT, "OWASP LLM 2025 LLM02", "HIPAA 164.312(b)"),
        _BY_ID_CASES,
        "Keep the owner beside every version and check it; a history table without an owner column can't"
        " be read safely.",
        Level.HARDENED,
    ),
    Anomaly(
        "O5",
        "rebind",
        "Nothing a caller writes into metadata or an update changes whose memory it is.",
        "critical",
        ("CWE-915",),
        (*_INTEGRITY, "OWASP ASVS 5.0 8.2.3", "OWASP API Security 2023 API3"),
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
        (*_INTEGRITY, "OWASP API Security 2023 API1"),
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
        (*_OBJECT, "OWASP Agentic 2026 ASI03"),
        ("e2a#782", "CVE-2020-7019"),
        "Sign the user into the handle, or apply the asking user's own filter again on every page.",
        Level.HARDENED,
    ),
)

_DELETES = (
    Anomaly(
        "D1",
        "collateral",
        "Deleting all of one user's memories leaves every other user's in place.",
        "critical",
        ("CWE-285", "CWE-459"),
        (*_ACCESS, "HIPAA 164.312(c)(1)"),
        ("mem0#3746", "mem0#3928"),
        "Delete by the owner filter and nothing else; never reset a collection, and test the synchronous"
        " and the asynchronous way.",
        Level.CORE,
    ),
    Anomaly(
        "D2",
        "wide-reset",
        "Maintenance on behalf of one user leaves every other user's memories in place.",
        "high",
        ("CWE-285", "CWE-459"),
        (*_ACCESS, "HIPAA 164.312(c)(1)", "OWASP API Security 2023 API5"),
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
        _ERASURE,
        ("mem0#4957",),
        "Delete by filter in one statement, or page until a page comes back empty, and count afterwards.",
        Level.CORE,
    ),
    Anomaly(
        "D4",
        "ghost",
        "What was deleted stays gone, on every surface and after later writes.",
        "high",
        ("CWE-212", "CWE-459"),
        _ERASURE,
        ("mem0#3245", "mem0#3695", "ruflo#2815"),
        "Delete from index, graph, history and caches together, and leave nothing that a later write of"
        " equal text could bring back.",
        Level.CORE,
    ),
)

_DERIVED = (
    Anomaly(
        "M1",
        "dedup",
        "Equal texts of two users are two memories with ids of their own.",
        "high",
        ("CWE-668",),
        _INTEGRITY,
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
        _RETRIEVAL,
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
        _RETRIEVAL,
        ("hal0#1300",),
        "Run consolidation once a user on that user's memories, and write the owner on what comes out.",
        Level.HARDENED,
    ),
    Anomaly(
        "M4",
        "foreign-update",
        "What one user writes never rewrites or removes another user's memory.",
        "critical",
        ("CWE-668",),
        _INTEGRITY,
        ("mem0#2170",),
        "Scope the look-up for related memories by owner before anything is merged, and check the owner"
        " again on each update it leads to.",
        Level.CORE,
    ),
    Anomaly(
        "M5",
        "misattribution",
        "Background work writes under the user who caused it.",
        "high",
        ("CWE-668",),
        (*_INTEGRITY, "OWASP Agentic 2026 ASI03"),
        ("cognee v1.2.2.dev3",),
        "Carry the owner in the job itself instead of in ambient state, and refuse a job without one.",
        Level.HARDENED,
    ),
)

_CONCURRENCY = (
    Anomaly(
        "C1",
        "shared-handle",
        "Calls of different users on one shared object never take over each other's user.",
        "critical",
        ("CWE-362", "CWE-488"),
        _THREADS,
        ("graphiti#1331", "graphiti#1676", "Memori#136"),
        "Pass the user as an argument all the way down and keep nothing of a call on the shared object.",
        Level.CONCURRENT,
    ),
    Anomaly(
        "C2",
        "ambient",
        "A call keeps its own user however calls of other users overlap with it.",
        "critical",
        ("CWE-362", "CWE-488"),
        (*_THREADS, "OWASP ASVS 5.0 8.3.3", "OWASP Agentic 2026 ASI03"),
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
        _THREADS,
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
        _THREADS,
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
        _TENANT,
        ("CVE-2023-2455", "CVE-2019-10130"),
        "Run a patched engine, and keep an explicit owner filter beside row-level security.",
        Level.CONCURRENT,
        visible=False,
        note="Mostly not visible from outside: nothing here proves its absence; compare the engine's version"
        " with its advisories.",
    ),
)

_CACHES = (
    Anomaly(
        "K1",
        "cache-key",
        "An answer cached for one user is never served to another.",
        "critical",
        ("CWE-524",),
        _CACHE,
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
        _CACHE,
        ("semantic-router#2134",),
        "Filter by owner exactly; a distance threshold is relevance, not access control.",
        Level.CORE,
    ),
)

_SIDE_CHANNELS = (
    Anomaly(
        "X1",
        "counts",
        "Totals count the asking user's own memories only.",
        "medium",
        ("CWE-1230",),
        _LEAK,
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
        (*_LEAK, "NIST 800-53 r5 SI-11"),
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
        (*_LEAK, "NIST 800-53 r5 SI-11", "ISO/IEC 27001:2022 Annex A 8.11"),
        ("CVE-2021-36156",),
        "Answer with a fixed message and a reference number; keep the details in a log users can't read.",
        Level.HARDENED,
    ),
    Anomaly(
        "X4",
        "timing",
        "How long an answer takes says nothing about other users.",
        "info",
        (),
        _TENANT,
        ("CVE-2025-46570",),
        "Keep caches and indexes a user, or accept and document the channel.",
        Level.HARDENED,
        visible=False,
        note="Informational: times are too noisy to judge from outside, so no verdict is given.",
    ),
    Anomaly(
        "X5",
        "side-door",
        "Every route that returns memories (export, lists, batches) keeps to the asking user.",
        "critical",
        (),
        (*_RETRIEVAL, "OWASP API Security 2023 API5", "GDPR 15(4)"),
        ("mem0#4236", "Asana MCP 2025"),
        "Send every route through the one scoped data layer, and keep administrators' routes apart.",
        Level.HARDENED,
    ),
)

_COMPLETE = (
    Anomaly(
        COMPLETENESS,
        "completeness",
        "A user's own memories stay visible to that user until that user deletes them.",
        "high",
        (),
        ("HIPAA 164.312(c)(1)", "GDPR 32(1)(b)"),
        ("langgraphjs#2721",),
        "Check that the isolation filter hides nothing of the owner's own, names with special characters"
        " included, and that no limit or clean-up drops it.",
        Level.CORE,
    ),
)

CATALOGUE: dict[str, Anomaly] = {
    entry.id: entry
    for entry in (
        *_SCOPE,
        *_ALIAS,
        *_OBJECTS,
        *_DELETES,
        *_DERIVED,
        *_CONCURRENCY,
        *_CACHES,
        *_SIDE_CHANNELS,
        *_COMPLETE,
    )
}


def anomaly(id: str) -> Anomaly:
    """The catalogue's entry of this id; `KeyError` with the ids there are if it has none."""
    try:
        return CATALOGUE[id]
    except KeyError:
        message = f"{id!r} is not an anomaly of the catalogue; choose one of {', '.join(CATALOGUE)}"
        raise KeyError(message) from None
