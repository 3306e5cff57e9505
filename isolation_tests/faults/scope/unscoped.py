"""S1 and S3: the user is not applied at all, or a missing user means all users."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import chain
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Remembering, call, is_missing, unique
from isolation_tests.faults.support.merged import READS, everyone, merged, opens
from isolation_tests.faults.support.renamed import Renamed

_MOST = 50
"""At most so many users count, so that answers stay small in a crowd."""


def _shared_bucket(adapter: Any) -> Renamed:
    bucket = f"anonymous-{uuid.uuid4()}"
    return Renamed(adapter, lambda user: bucket if is_missing(user) else user)


class Fallback(Remembering):
    """Reads by a user without memories fall back to a query without a filter."""

    async def _on_search(self, user: Any, query: str, *, limit: int, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_search(user, query, limit=limit, **keywords)
        return rows if rows or keywords.get("filters") else (await self._of_everybody(user))[:limit]

    async def _on_get_all(self, user: Any, **keywords: Any) -> Sequence[Memory]:
        rows = await super()._on_get_all(user, **keywords)
        return rows if rows or keywords.get("filters") else await self._of_everybody(user)

    async def _of_everybody(self, user: Any) -> list[Memory]:
        answers = [await call(self._inner.get_all, other) for other in self._others(user)[-_MOST:]]
        return unique(chain.from_iterable(answers))


def _is_zero(user: Any) -> bool:
    return isinstance(user, int | float) and user == 0


def _is_blank(user: Any) -> bool:
    return isinstance(user, str) and not user.strip()


FAULTS = (
    Fault(
        "S1-global",
        "S1",
        "The user is checked but then not used: all users see and delete everything.",
        merged(everyone),
        like="mem0#2783",
    ),
    Fault(
        "S1-search-ignores-user",
        "S1",
        "The search lacks the owner filter; all other calls have it.",
        merged(everyone, {"search"}),
        like="langchain#13260",
    ),
    Fault(
        "S1-get-all-ignores-user",
        "S1",
        "The list of all memories lacks the owner filter; all other calls have it.",
        merged(everyone, {"get_all"}),
        like="LongMemory#97",
    ),
    Fault(
        "S1-empty-falls-back",
        "S1",
        "A user without memories gets all users' memories, from a fallback for empty results.",
        Fallback,
    ),
    Fault(
        "S3-none-opens",
        "S3",
        "Without a user (None), no owner filter is built, and reads see all users.",
        merged(opens(lambda user: user is None), READS, override=True),
        like="memanto#1891",
    ),
    Fault(
        "S3-blank-opens",
        "S3",
        "An empty or blank user is falsy after trimming, and reads see all users.",
        merged(opens(_is_blank), READS, override=True),
        like="caura#626",
    ),
    Fault(
        "S3-zero-opens",
        "S3",
        "The user 0 (or false) is falsy, so no owner filter is built, and reads see all users.",
        merged(opens(_is_zero), READS, override=True),
        like="chronicle#69",
    ),
    Fault(
        "S3-empty-filter-opens",
        "S3",
        "A user that is an empty list or object becomes an empty filter, and reads see all users.",
        merged(opens(lambda user: user in ([], {})), READS, override=True),
    ),
    Fault(
        "S3-word-for-none-opens",
        "S3",
        "A missing user becomes the text null, None or undefined, with which reads see all users.",
        merged(opens(lambda user: user in ("null", "None", "undefined")), READS, override=True),
    ),
    Fault(
        "S3-default-opens",
        "S3",
        'The user "default" dates from before there were users, and its reads see all users.',
        merged(opens(lambda user: user == "default"), READS, override=True),
        like="openclaw#85389",
    ),
    Fault(
        "S3-shared-bucket",
        "S3",
        "Callers without a user are not refused; they all share one place for their memories.",
        _shared_bucket,
    ),
    Fault(
        "S3-missing-deletes",
        "S3",
        "Deleting all memories without a user deletes all users' memories.",
        merged(opens(is_missing), {"delete_all"}, override=True),
    ),
)
