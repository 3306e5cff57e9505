"""Redis: each user's memories have keys that begin with the user; nothing else separates users."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused
from isolation_tests.adapters.embedding import embed
from isolation_tests.adapters.resources import need, scratch
from isolation_tests.adapters.support.redis_server import connected, serve

__all__ = ["IndexedKeys", "RedisKeys", "ScannedKeys", "open_memory"]

_PAGE_SIZE = 20


@contextmanager
def open_memory(*, listing: str = "index", url: str | None = None) -> Iterator[RedisKeys]:
    """Open an empty key space in Redis, and empty it again afterwards.

    listing: how a user's memories are found. "index" uses a sorted set of ids for each user. "scan" uses SCAN
    with the user in its pattern, which mixes up users whose names contain pattern characters. url: your own
    Redis, in which every key gets a prefix for this run; without it, a Redis is started for the run. Raises
    `BadOption`, and `Unavailable` if there is no Redis.
    """
    if listing not in _LISTINGS:
        raise BadOption(f"listing is {listing!r}; choose one of {', '.join(_LISTINGS)}.")
    redis = need("redis", "redis")
    with ExitStack() as opened:
        address = url or opened.enter_context(serve(redis, opened.enter_context(scratch("redis"))))
        client = opened.enter_context(connected(redis, address))
        place = f"isolation-tests-{uuid4().hex}:"
        if url:
            opened.callback(_empty, client, place)
        yield _LISTINGS[listing](redis, client, place)


def _empty(client: Any, place: str) -> None:
    for key in client.scan_iter(match=f"{place}*", count=1000):
        client.unlink(key)


class RedisKeys:
    """One hash for each memory, and a sorted set of ids and a hash of keys for each user.

    `raw` is the memory's hash as Redis returned it. Redis knows no users, so the application decides who is a
    user: text that is not blank. Otherwise None would share a key with "None".
    """

    def __init__(self, redis: Any, client: Any, place: str) -> None:
        self._redis, self._client, self._place = redis, client, place

    def add(
        self, user: Any, text: str, *, metadata: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Sequence[Memory]:
        """Store a hash and record its id; the same `key` of the same user replaces it."""
        with self._answer():
            id = self._claim(user, key) if key is not None else str(uuid4())
            row = {"text": text, "metadata": json.dumps(dict(metadata or {})), "key": key or ""}
            with self._client.pipeline() as pipeline:
                pipeline.hset(self._memory(user, id), mapping=row)
                self._enter(pipeline, user, id)
                pipeline.execute()
        return [Memory(id, text, row)]

    def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        """Return the nearest of the user's memories, compared in the client."""
        wanted = embed(query)
        return sorted(self.get_all(user), key=lambda row: -_nearness(wanted, row.text))[:limit]

    def get_all(self, user: Any) -> Sequence[Memory]:
        """Return all of the user's memories."""
        with self._answer():
            return self._load(self._addresses(user))

    def delete_all(self, user: Any) -> None:
        """Delete all of the user's memories, the ids and the keys."""
        with self._answer():
            self._client.delete(*self._addresses(user), self._ids(user), self._keys(user))

    def get(self, user: Any, id: str) -> Memory | None:
        """Return the user's memory with this id; None if there is none."""
        with self._answer():
            rows = self._load([self._memory(user, id)]) if self._has(user, id) else []
        return rows[0] if rows else None

    def update(self, user: Any, id: str, text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace the text, and the metadata if given."""
        more = {} if metadata is None else {"metadata": json.dumps(dict(metadata))}
        with self._answer():
            self._require(user, id)
            self._client.hset(self._memory(user, id), mapping={"text": text, **more})

    def delete(self, user: Any, id: str) -> None:
        """Delete the user's memory with this id, and its key."""
        with self._answer():
            self._require(user, id)
            key = self._client.hget(self._memory(user, id), "key")
            with self._client.pipeline() as pipeline:
                pipeline.zrem(self._ids(user), id)
                pipeline.delete(self._memory(user, id))
                if key:
                    pipeline.hdel(self._keys(user), key)
                pipeline.execute()

    def count(self, user: Any) -> int:
        """Return how many ids the user has."""
        with self._answer():
            return len(self._addresses(user))

    def _claim(self, user: Any, key: str) -> str:
        """Return the id for the user's `key`; a new key gets a new id."""
        self._client.hsetnx(self._keys(user), key, str(uuid4()))
        id: str = self._client.hget(self._keys(user), key)
        return id

    def _enter(self, pipeline: Any, user: Any, id: str) -> None:
        # With equal scores, a sorted set is ordered by its members, so a page can start after an id.
        pipeline.zadd(self._ids(user), {id: 0})

    def _addresses(self, user: Any) -> list[str]:
        return [self._memory(user, id) for id in self._client.zrange(self._ids(user), 0, -1)]

    def _has(self, user: Any, id: str) -> bool:
        # An invented id could lead into the keys of a user whose name continues after ":".
        return self._client.zscore(self._ids(user), id) is not None

    def _require(self, user: Any, id: str) -> None:
        if not self._has(user, id):
            raise Refused("The user has no memory of this id.")

    def _memory(self, user: Any, id: str) -> str:
        return f"{self._place}memory:{_named(user)}:{id}"

    def _ids(self, user: Any) -> str:
        return f"{self._place}ids:{_named(user)}"

    def _keys(self, user: Any) -> str:
        return f"{self._place}keys:{_named(user)}"

    def _load(self, addresses: Sequence[str]) -> list[Memory]:
        with self._client.pipeline(transaction=False) as pipeline:
            for address in addresses:
                pipeline.hgetall(address)
            rows = zip(addresses, pipeline.execute(), strict=True)
        return [Memory(address.rpartition(":")[2], row["text"], row) for address, row in rows if row]

    @contextmanager
    def _answer(self) -> Iterator[None]:
        try:
            yield
        except (self._redis.ConnectionError, self._redis.TimeoutError) as error:
            raise Indeterminate(str(error)) from error
        except (self._redis.DataError, UnicodeEncodeError) as error:
            raise Refused(str(error)) from error


class IndexedKeys(RedisKeys):
    """Finds ids in an index, which also allows pages, in the order of the ids."""

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return the user's next memories after the id in `cursor`."""
        after = "-" if cursor is None else f"({cursor}"
        with self._answer():
            ids = self._client.zrange(self._ids(user), after, "+", bylex=True, offset=0, num=_PAGE_SIZE)
            items = self._load([self._memory(user, id) for id in ids])
        return Page(items, ids[-1] if len(ids) == _PAGE_SIZE else None)


class ScannedKeys(RedisKeys):
    """Keeps no index of ids, like many applications: SCAN finds all keys that match the user's pattern."""

    def _enter(self, pipeline: Any, user: Any, id: str) -> None:
        """Record nothing, because SCAN finds the key itself."""

    def _addresses(self, user: Any) -> list[str]:
        found: dict[str, None] = dict.fromkeys(
            self._client.scan_iter(match=self._memory(user, "*"), count=1000)
        )
        return list(found)

    def _has(self, user: Any, id: str) -> bool:
        return bool(self._client.exists(self._memory(user, id)))


_LISTINGS = {"index": IndexedKeys, "scan": ScannedKeys}


def _named(user: Any) -> str:
    if not isinstance(user, str) or not user.strip():
        raise Refused("A user is a text that is not blank.")
    return user


def _nearness(wanted: Sequence[float], text: str) -> float:
    return sum(a * b for a, b in zip(wanted, embed(text), strict=True))
