"""Names in OpenAPI documents: how they split into words, and which of them mean what to a memory service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

__all__ = [
    "CURSORS",
    "ENTRIES",
    "FILTERS",
    "IDS",
    "LIMITS",
    "LISTS",
    "METADATA",
    "NEXT",
    "NOUNS",
    "NUMBERS",
    "OFFSETS",
    "PEOPLE",
    "QUERIES",
    "SECRETS",
    "SIZES",
    "STRONG_NOUNS",
    "TEXTS",
    "TOKENS",
    "TOTALS",
    "USERS",
    "best",
    "plain",
    "rank",
    "singular",
    "words",
]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

USERS: tuple[tuple[str, ...], ...] = (
    (
        "user_id",
        "user",
        "userid",
        "username",
        "user_name",
        "user_key",
        "user_uuid",
        "end_user_id",
        "end_user",
    ),
    ("owner_id", "owner"),
    ("person_id", "person"),
    ("account_id", "account"),
    ("customer_id", "customer"),
    ("client_id", "client"),
    ("member_id", "member"),
    ("profile_id", "profile"),
    ("principal", "subject", "sub"),
    ("tenant_id", "tenant"),
    ("namespace",),
    ("bank_id", "bank"),
    ("group_id", "group"),
    ("container_tag", "container_tags"),
    ("peer_id", "peer"),
    ("entity_id", "entity"),
    ("organization_id", "organization", "org_id", "org"),
    ("workspace_id", "workspace"),
)
"""Names of the field that says whose memories a call is about, by family, the likeliest first."""
PEOPLE = {"user", "owner", "person", "people", "account", "customer", "client", "member", "profile", "tenant"}
"""Segments of a path, in the singular, behind which an id is the user's."""
TEXTS = (
    "text",
    "content",
    "memory",
    "memory_text",
    "fact",
    "note",
    "data",
    "message",
    "observation",
    "statement",
    "page_content",
    "body",
    "value",
    "document",
    "input",
    "description",
)
QUERIES = (
    "query",
    "q",
    "search_query",
    "query_text",
    "search",
    "question",
    "text",
    "term",
    "keywords",
    "prompt",
    "input",
)
LIMITS = (
    "limit",
    "top_k",
    "k",
    "n_results",
    "num_results",
    "max_results",
    "match_count",
    "count",
    "n",
    "size",
    "page_size",
)
SIZES = ("limit", "page_size", "per_page", "size", "max_results", "count", "take")
CURSORS = (
    "cursor",
    "page_token",
    "next_token",
    "continuation_token",
    "continuation",
    "starting_after",
    "start_after",
    "after",
    "next_cursor",
)
NUMBERS = ("page", "page_number", "page_no", "page_num")
OFFSETS = ("offset", "skip", "start")
NEXT = (
    "next_cursor",
    "next_page_token",
    "next_token",
    "continuation_token",
    "next",
    "cursor",
    "next_page",
    "end_cursor",
    "next_after",
)
METADATA = ("metadata", "meta", "custom_metadata", "attributes", "properties", "tags")
FILTERS = ("filters", "filter", "where")
IDS = ("id", "memory_id", "_id", "uuid", "key", "note_id", "fact_id", "doc_id", "document_id")
LISTS = (
    "results",
    "memories",
    "items",
    "data",
    "notes",
    "facts",
    "entries",
    "records",
    "hits",
    "matches",
    "documents",
)
ENTRIES = ("memory", "note", "fact", "entry", "record", "item", "document", "data", "result")
TOTALS = ("total", "count", "total_count", "total_results", "total_items")
TOKENS = ("access_token", "token", "session", "jwt", "id_token", "session_token", "session_id")
SECRETS = ("password", "key", "secret", "api_key", "pin", "client_secret")
STRONG_NOUNS = {"memory", "note", "fact", "observation", "episode"}
NOUNS = STRONG_NOUNS | {
    "document",
    "entry",
    "record",
    "item",
    "message",
    "thought",
    "snippet",
    "knowledge",
    "chunk",
    "node",
    "bookmark",
    "passage",
}
"""What a memory may be called, in the singular."""


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words of a name or a sentence, in small letters: `listMemories_v2` has list, memories, v, 2."""
    return tuple(word.lower() for word in _WORD.findall(text))


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name in small letters with underscores, without the X of a header: `X-User-Id` is user_id."""
    split = words(name)
    kept = split[1:] if len(split) > 1 and split[0] == "x" else split
    return ("_" if name.startswith("_") else "") + "_".join(kept)


def singular(word: str) -> str:
    """A word without its plural's ending: memories, memory."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def rank(name: str, ranking: Sequence[str]) -> int | None:
    """The place of a name in a ranking; None if it is not in it."""
    found = plain(name)
    return ranking.index(found) if found in ranking else None


def best(names: Iterable[str], ranking: Sequence[str]) -> str | None:
    """The name that stands first in a ranking; None if none of them does."""
    ranked = [(place, name) for name in names if (place := rank(name, ranking)) is not None]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None
