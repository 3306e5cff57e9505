"""ScopedMemory: no call names another user, whatever the store, and no answer of another's gets through."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.adapters.support.mem0_parts import STORES, close_memory, create_memory, load_mem0
from isolation_tests.engine.examination import examine
from isolation_tests.execution.contract import claimed
from isolation_tests.faults import plant
from isolation_tests.model import Verdict
from isolation_tests.scoped import (
    AsyncScopedMemory,
    ForeignRowError,
    ScopedAdapter,
    ScopedMemory,
    ScopeError,
    UnknownMemoryError,
    storage_name,
)
from isolation_tests.scoped.naming import names_in, storage_key
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.relations import HOSTILE_VALUES, RELATIONS, bind
from meta_tests.asking import ask, covering, named

MANY = 130
USERS = st.text(st.characters(), min_size=1).filter(str.strip)
ANY_TEXT = st.text(st.characters(codec=None), min_size=1).filter(str.strip)
MENDED = (
    "A1-prefix",
    "A5-joined-with-key",
    "A9-star-opens",
    "D4-ghost-history",
    "O1-get-unchecked",
    "O6-key-dropped",
    "S5-or-widens",
    "X1-count-global",
)
NOT_MENDED = ("D1-delete-everyone", "M1-shared-id", "S1-search-ignores-user", "S6-sql-filter-value")


def texts(rows: Any) -> list[str]:
    return sorted(row.text for row in rows)


# Names


@given(USERS, USERS)
def test_two_users_have_two_names(one: str, other: str) -> None:
    assert (storage_name(one) == storage_name(other)) == (one == other)


@given(ANY_TEXT)
def test_a_name_is_one_length_and_one_alphabet(user: str) -> None:
    assert re.fullmatch("u[a-z2-7]{52}", storage_name(user))
    assert names_in(f"[('memories', '{storage_name(user)}')]") == {storage_name(user)}


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)
def test_related_names_are_told_apart(relation: Any) -> None:
    one, other = (bind(spec, "iso-base", 7) for spec in relation.pair())
    names = {storage_name(name) for name in (one, other) if isinstance(name, str) and name.strip()}

    assert len(names) == len([name for name in (one, other) if isinstance(name, str) and name.strip()])


@given(ANY_TEXT, st.integers(0, 40))
def test_twins_of_a_name_are_other_users(user: str, place: int) -> None:
    twins = {
        user,
        user.upper(),
        user.casefold(),
        f" {user}",
        f"{user} ",
        f"{user}\0",
        user[: place + 1],
        user * 2,
    }
    kept = {twin for twin in twins if twin.strip()}

    assert len({storage_name(twin) for twin in kept}) == len(kept)


def test_a_pair_of_surrogates_is_not_the_character_it_would_make() -> None:
    assert storage_name("\ud83d\ude00") != storage_name("\U0001f600")


@given(USERS, USERS, USERS, USERS)
def test_two_users_never_share_a_key(one: str, key: str, other: str, their_key: str) -> None:
    mine, theirs = storage_key(storage_name(one), key), storage_key(storage_name(other), their_key)

    assert (mine == theirs) == ((one, key) == (other, their_key))


def test_a_users_name_never_changes_from_release_to_release() -> None:
    assert storage_name("alice") == "uulutg3nisfzgd2ykoctnpdjnebmupagjeg6r62knnwdu4ubtiala"


class Deceiver(str):
    """A text that lies about itself."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"somebody else"

    def strip(self, *_: Any) -> str:
        return "somebody else"


def test_a_text_that_lies_about_itself_is_taken_for_what_it_is() -> None:
    assert storage_name(Deceiver("alice")) == storage_name("alice")
    with pytest.raises(ValueError, match="user id"):
        storage_name(Deceiver(" "))


# The user is fixed


@pytest.mark.parametrize(
    "user", [value.value for value in HOSTILE_VALUES if not isinstance(value.value, str) or value.missing]
)
def test_no_user_no_memory(user: Any) -> None:
    with pytest.raises(ValueError, match=r"^A user id is needed: [^.]+\.$"):
        ScopedMemory(ReferenceStore(), user)


def test_the_user_is_required_and_can_not_be_changed() -> None:
    memory = ScopedMemory(ReferenceStore(), "alice")
    before = repr(memory)

    with pytest.raises(TypeError):
        ScopedMemory(ReferenceStore())  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="create a new one"):
        memory.__init__(ReferenceStore(), "bob")
    for name in ("_scope", "user_id", "memory"):
        with pytest.raises(AttributeError, match="create a new one"):
            setattr(memory, name, "bob")
    with pytest.raises(AttributeError):
        del memory._scope
    with pytest.raises(AttributeError):
        memory._scope.owners.name = "bob"  # type: ignore[misc]
    assert repr(memory) == before


@pytest.mark.parametrize("kind", [ScopedMemory, AsyncScopedMemory])
def test_no_method_takes_a_user(kind: type) -> None:
    methods = [method for name, method in inspect.getmembers(kind, callable) if not name.startswith("_")]
    named = {parameter for method in methods for parameter in inspect.signature(method).parameters}

    assert len(methods) == 9
    assert named == {"self", "content", "metadata", "key", "infer", "query", "limit", "filters", "id", "text"}


@pytest.mark.parametrize("store", [None, object(), {}, ScopedMemory(ReferenceStore(), "alice")])
def test_what_is_no_store_is_refused(store: Any) -> None:
    with pytest.raises(TypeError, match="ScopedMemory needs an adapter"):
        ScopedMemory(store, "alice")


# Over an adapter


class Later:
    """An adapter's methods as coroutines."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def add(self, user: Any, text: str, *, metadata: Any = None, key: Any = None) -> Any:
        return self._inner.add(user, text, metadata=metadata, key=key)

    async def search(self, user: Any, query: str, *, limit: int, filters: Any = None) -> Any:
        return self._inner.search(user, query, limit=limit, filters=filters)

    async def get_all(self, user: Any, *, filters: Any = None) -> Any:
        return self._inner.get_all(user, filters=filters)

    async def delete_all(self, user: Any) -> None:
        self._inner.delete_all(user)

    async def get(self, user: Any, id: str) -> Any:
        return self._inner.get(user, id)

    async def update(self, user: Any, id: str, text: str, *, metadata: Any = None) -> None:
        self._inner.update(user, id, text, metadata=metadata)

    async def delete(self, user: Any, id: str) -> None:
        self._inner.delete(user, id)

    async def history(self, user: Any, id: str) -> Any:
        return self._inner.history(user, id)

    async def count(self, user: Any) -> int:
        return int(self._inner.count(user))


def test_a_user_has_their_own_memories_by_every_call() -> None:
    store = ReferenceStore()
    alice, bob = ScopedMemory(store, "alice"), ScopedMemory(store, "bob")
    (stored,) = alice.add("Alice keeps bees", metadata={"topic": "pets"}, key="hobby")
    bob.add("Bob sails", metadata={"topic": "pets"}, key="hobby")

    assert texts(alice.search("sails", limit=5)) == ["Alice keeps bees"]
    assert texts(alice.get_all(filters={"topic": "pets"})) == ["Alice keeps bees"]
    id = str(stored.id)
    assert alice.get(id) == stored
    alice.update(id, "Alice keeps hens")
    assert texts(alice.history(id)) == ["Alice keeps bees", "Alice keeps hens"]
    alice.add("Alice keeps cats", key="hobby")
    assert texts(alice.get_all()) == ["Alice keeps cats"]
    assert (alice.count(), bob.count()) == (1, 1)
    alice.delete(id)
    assert alice.get_all() == []
    alice.add("Alice is back")
    alice.delete_all()
    assert alice.get_all() == []
    assert texts(bob.get_all()) == ["Bob sails"]


def test_a_user_has_their_own_memories_by_every_async_call() -> None:
    async def story() -> None:
        store = Later(ReferenceStore())
        alice, bob = AsyncScopedMemory(store, "alice"), AsyncScopedMemory(store, "bob")
        (stored,) = await alice.add("Alice keeps bees", metadata={"topic": "pets"}, key="hobby")
        await bob.add("Bob sails", key="hobby")
        id = str(stored.id)
        assert texts(await alice.search("sails")) == ["Alice keeps bees"]
        assert await alice.get(id) == stored
        assert await bob.get(id) is None
        await alice.update(id, "Alice keeps hens")
        assert len(await alice.history(id)) == 2
        with pytest.raises(UnknownMemoryError):
            await bob.delete(id)
        assert await alice.count() == 1
        await alice.delete(id)
        await bob.delete_all()
        assert await alice.get_all() == await bob.get_all() == []

    asyncio.run(story())


def test_sync_and_async_are_not_mixed_up() -> None:
    with pytest.raises(TypeError, match="use AsyncScopedMemory"):
        ScopedMemory(Later(ReferenceStore()), "alice")
    with pytest.raises(TypeError, match="use ScopedMemory"):
        AsyncScopedMemory(ReferenceStore(), "alice")


@pytest.mark.parametrize(
    "fault", ["O1-get-unchecked", "O2-update-unchecked", "O3-delete-unchecked", "O4-history-unchecked"]
)
def test_a_foreign_id_is_answered_as_an_absent_one(fault: str) -> None:
    store = plant(fault, ReferenceStore())
    alice, bob = ScopedMemory(store, "alice"), ScopedMemory(store, "bob")
    (stored,) = alice.add("Alice keeps bees")
    bob.add("Bob sails")
    said = set()

    ids: tuple[Any, ...] = (str(stored.id), str(uuid4()), "", None)
    for id in ids:
        assert bob.get(id) is None
        for act in (bob.delete, bob.history, lambda id: bob.update(id, "mine now")):
            with pytest.raises(UnknownMemoryError) as unknown:
                act(id)
            said.add(str(unknown.value))

    assert len(said) == 1
    assert texts(alice.get_all()) == ["Alice keeps bees"]


def test_the_history_of_what_was_deleted_is_unknown() -> None:
    store = plant("D4-ghost-history", ReferenceStore())
    alice = ScopedMemory(store, "alice")
    (stored,) = alice.add("Alice keeps bees")
    alice.delete_all()

    with pytest.raises(UnknownMemoryError):
        alice.history(str(stored.id))


def test_what_the_store_does_not_offer_is_said() -> None:
    alice = ScopedMemory(Bare(), "alice")

    for act in (alice.delete, alice.history, lambda id: alice.update(id, "text")):
        with pytest.raises(NotImplementedError, match="no "):
            act("1")
    assert alice.get("1") is None
    with pytest.raises(ScopeError, match="infer"):
        alice.add("text", infer=False)
    with pytest.raises(ScopeError, match="messages"):
        alice.add([{"role": "user", "content": "text"}])


class Bare:
    """The four methods and nothing else; gives the same rows to everybody."""

    def __init__(self, *raws: object) -> None:
        self.rows = [Memory(str(number), "a secret text", raw) for number, raw in enumerate(raws)]

    def add(self, user: Any, text: str) -> list[Memory]:
        return self.rows

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return self.rows

    def get_all(self, user: Any) -> list[Memory]:
        return self.rows

    def delete_all(self, user: Any) -> None:
        pass


# Filters and metadata

OWNERS = (
    "user_id",
    "userId",
    "USER-ID",
    " user_id ",
    "\uff55ser_id",
    "user\u200b_id",
    "a.user_id",
    "$.owner",
)
WIDENING: tuple[Any, ...] = (
    {"OR": [{"topic": "pets"}]},
    {"NOT": {"topic": "pets"}},
    {"topic": {"$ne": "x"}},
    {"topic": ["pets"]},
    {"$or": [{"topic": "pets"}]},
    {"$where": "1"},
    {"topic' OR '1'='1": "x"},
    {"topic.$ne": "x"},
    {"a--": "x"},
    {"": "x"},
    {1: "x"},
    {"AND": "topic"},
    {"AND": [{"OR": []}]},
    {"AND": [{"topic": "pets"}, {"topic": "sea"}]},
    ["topic"],
)


@pytest.mark.parametrize("key", OWNERS)
def test_no_filter_and_no_metadata_names_an_owner(key: str) -> None:
    memory = ScopedMemory(ReferenceStore(), "alice")

    for filters in ({key: "bob"}, {"AND": [{key: "bob"}]}, {"OR": [{"topic": "pets"}, {key: "bob"}]}):
        with pytest.raises(ScopeError, match=r"^Filters [^.]+\.$"):
            memory.get_all(filters=filters)
        with pytest.raises(ScopeError, match=r"^Filters [^.]+\.$"):
            memory.search("pets", filters=filters)
    for metadata in ({key: "bob"}, {"about": [{"deep": {key: "bob"}}]}):
        with pytest.raises(ScopeError, match="must not name an owner"):
            memory.add("text", metadata=metadata)
        with pytest.raises(ScopeError, match="must not name an owner"):
            memory.update("id", "text", metadata=metadata)
    assert memory.count() == 0


@pytest.mark.parametrize("filters", WIDENING, ids=str)
def test_filters_only_narrow(filters: Any) -> None:
    memory = ScopedMemory(ReferenceStore(), "alice")

    with pytest.raises(ScopeError) as refused:
        memory.get_all(filters=filters)
    assert isinstance(refused.value, Refused | ValueError)
    assert str(refused.value).count(".") == 1


def test_and_is_resolved_to_comparisons_that_all_hold() -> None:
    memory = ScopedMemory(ReferenceStore(), "alice")
    memory.add("bees", metadata={"topic": "pets", "year": 1})
    memory.add("boats", metadata={"topic": "sea", "year": 1})

    assert texts(memory.get_all(filters={"AND": [{"topic": "sea"}, {"year": 1}], "year": 1})) == ["boats"]
    assert len(memory.get_all(filters={})) == 2


def test_metadata_is_kept_as_it_was_given() -> None:
    store = ReferenceStore()
    metadata = {"tags": ["a"]}
    memory = ScopedMemory(store, "alice")
    memory.add("bees", metadata=metadata)
    metadata["tags"].append("b")

    assert memory.get_all()[0].raw["metadata"] == {"tags": ["a"]}  # type: ignore[index]


@pytest.mark.parametrize("key", ["", 1, ["a"]])
def test_a_key_is_a_text(key: Any) -> None:
    with pytest.raises(ScopeError, match="key"):
        ScopedMemory(ReferenceStore(), "alice").add("text", key=key)


# Answers are checked


class Named(NamedTuple):
    namespace: tuple[str, ...]


@dataclass
class Item:
    namespace: tuple[str, ...]


class Loose:
    def __init__(self, user_id: str) -> None:
        self.user_id = user_id


def raws_of(owner: str) -> Iterator[object]:
    yield {"user_id": owner}
    yield {"payload": {"metadata": {"userId": owner}}}
    yield [{"user_id": owner}]
    yield {"namespace": f"memories/{owner}"}
    yield Named(("memories", owner))
    yield Item(("memories", owner))
    yield Loose(owner)


@pytest.mark.parametrize("raw", list(raws_of(storage_name("bob"))), ids=lambda raw: type(raw).__name__)
def test_a_row_that_says_it_is_somebody_elses_is_withheld(raw: object) -> None:
    alice = ScopedMemory(Bare({"user_id": storage_name("alice")}, raw), "alice")

    for act in (alice.get_all, alice.count, lambda: alice.search("x"), lambda: alice.add("x")):
        with pytest.raises(ForeignRowError) as foreign:
            act()
        assert "secret" not in repr(foreign.value.args)
        assert foreign.value.__cause__ is foreign.value.__context__ is None


@pytest.mark.parametrize("owner", ["bob", 1, True, ["bob"], b"bob"])
def test_an_owner_of_any_kind_is_somebody_else(owner: object) -> None:
    with pytest.raises(ForeignRowError):
        ScopedMemory(Bare({"user_id": owner}), "alice").get_all()


@pytest.mark.parametrize(
    "raw", [*raws_of(storage_name("alice")), {"user_id": None}, {"user": "role"}, None, "text"]
)
def test_own_rows_and_rows_that_name_nobody_are_given(raw: object) -> None:
    assert len(ScopedMemory(Bare(raw), "alice").get_all()) == 1


def test_a_store_may_say_the_owner_in_a_field_of_its_own() -> None:
    store = Bare({"tenant": "acme"})

    assert len(ScopedMemory(store, "alice").get_all()) == 1
    with pytest.raises(ForeignRowError):
        ScopedMemory(store, "alice", owner_fields=("Tenant",)).get_all()
    with pytest.raises(ScopeError):
        ScopedMemory(store, "alice", owner_fields=("realm",)).add("x", metadata={"realm": "bob"})


# Over mem0, directly

needs_mem0 = pytest.mark.skipif(
    find_spec("mem0") is None or find_spec("qdrant_client") is None, reason="mem0ai is not installed"
)


@pytest.fixture
def mem0(tmp_path: Path) -> Any:
    return load_mem0(tmp_path)


@pytest.fixture
def memory(mem0: Any, tmp_path: Path) -> Iterator[Any]:
    with STORES["qdrant"](tmp_path, None) as store:
        memory = create_memory(mem0, "qdrant", store.config)
        yield memory
        close_memory(memory)


@needs_mem0
def test_mem0_open_source(memory: Any) -> None:
    alice, bob, star = (ScopedMemory(memory, user) for user in ("alice", "bob", "*"))
    for number in range(MANY):
        alice.add(f"fact {number}", infer=False, metadata={"topic": "numbers"})
    (stored,) = bob.add([{"role": "user", "content": "Bob sails"}], infer=False, metadata={"topic": "sea"})
    id = str(stored.id)

    assert alice.count() == MANY
    assert texts(bob.search("nothing like it", limit=5, filters={"topic": "sea"})) == ["Bob sails"]
    assert bob.get_all(filters={"topic": "numbers"}) == star.get_all() == []
    assert alice.get(id) is None
    for act in (alice.delete, alice.history, lambda id: alice.update(id, "mine now")):
        with pytest.raises(UnknownMemoryError):
            act(id)
    star.delete_all()
    bob.update(id, "Bob rows", metadata={"topic": "lake"})
    assert bob.get(id).text == "Bob rows"  # type: ignore[union-attr]
    assert "Bob rows" in texts(bob.history(id))
    bob.delete(id)
    with pytest.raises(UnknownMemoryError):
        bob.history(id)
    with pytest.raises(ScopeError, match="key"):
        bob.add("text", key="profile")
    alice.delete_all()
    assert alice.count() == 0


class Platform:
    """As much of the hosted API as mem0's client asks for; pages hold 100, and by id nobody is asked."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Any) -> Any:
        import httpx

        body = json.loads(request.content or b"{}")
        found = self._answer(request.method, request.url.path, body, request.url.params)
        return (
            httpx.Response(404, json={"detail": "none"}) if found is None else httpx.Response(200, json=found)
        )

    def _answer(self, method: str, path: str, body: dict[str, Any], query: Mapping[str, str]) -> Any:
        *_, last = path.strip("/").split("/")
        if last == "ping":
            return {"user_email": None, "org_id": "demo", "project_id": "demo"}
        if path == "/v3/memories/add/":
            return self._add(body)
        if method == "POST":
            rows = [row for row in self.rows.values() if self._matches(row, body["filters"])]
            if last == "search":
                return {"results": rows[: body["top_k"]]}
            end = int(query["page"]) * int(query["page_size"])
            page = rows[end - int(query["page_size"]) : end]
            return {"count": len(rows), "next": "more" if end < len(rows) else None, "results": page}
        if path == "/v1/memories/":
            self.rows = {id: row for id, row in self.rows.items() if row["user_id"] != query["user_id"]}
            return {}
        id = path.split("/")[3]
        row = self.rows.get(id)
        if row is None:
            return None
        if method == "PUT":
            row["memory"] = body["text"]
        if method == "DELETE":
            del self.rows[id]
        return [{"memory_id": id, "new_memory": row["memory"]}] if last == "history" else row

    def _add(self, body: dict[str, Any]) -> Any:
        row = {
            "id": str(uuid4()),
            "memory": body["messages"][0]["content"],
            "user_id": body["user_id"],
            "metadata": body.get("metadata"),
        }
        self.rows[row["id"]] = row
        return {"results": [row]}

    def _matches(self, row: dict[str, Any], filters: dict[str, Any]) -> bool:
        if "AND" in filters:
            return all(self._matches(row, part) for part in filters["AND"])
        if "metadata" in filters:
            return bool((row["metadata"] or {}).items() >= filters["metadata"].items())
        return bool(row["user_id"] == filters["user_id"])


@needs_mem0
def test_mem0s_client(mem0: Any) -> None:
    import httpx

    web = httpx.Client(transport=httpx.MockTransport(Platform()))
    client = mem0.MemoryClient(api_key="key", host="http://127.0.0.1", client=web)
    alice, bob = ScopedMemory(client, "alice"), ScopedMemory(client, "bob")
    for number in range(MANY):
        alice.add(f"fact {number}", metadata={"topic": "numbers"})
    (stored,) = bob.add("Bob sails", metadata={"topic": "sea"})
    id = str(stored.id)

    assert alice.count() == MANY
    assert texts(bob.search("sea", filters={"topic": "sea"})) == ["Bob sails"]
    assert bob.get_all(filters={"topic": "numbers"}) == []
    assert len(alice.search("fact", limit=7)) == 7
    for unknown in (id, str(uuid4())):
        assert alice.get(unknown) is None
        for act in (alice.delete, alice.history, lambda id: alice.update(id, "mine now")):
            with pytest.raises(UnknownMemoryError):
                act(unknown)
    bob.update(id, "Bob rows")
    assert texts(bob.history(id)) == texts(bob.get_all()) == ["Bob rows"]
    alice.delete_all()
    bob.delete(id)
    assert alice.count() == bob.count() == 0


@needs_mem0
def test_mem0s_async_classes(mem0: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    # It asks with another library than the one it is given.
    monkeypatch.setattr(mem0.AsyncMemoryClient, "_validate_api_key", lambda _: None)
    monkeypatch.setattr(mem0.client.main, "AsyncProject", lambda **_: None)

    async def story(memory: Any, **options: Any) -> None:
        alice, bob = AsyncScopedMemory(memory, "alice"), AsyncScopedMemory(memory, "bob")
        (stored,) = await alice.add("Alice keeps bees", **options)
        (other,) = await bob.add("Bob sails", **options)
        assert texts(await alice.search("who", limit=5)) == ["Alice keeps bees"]
        assert await bob.get(str(stored.id)) is None
        with pytest.raises(UnknownMemoryError):
            await bob.delete(str(stored.id))
        await alice.update(str(stored.id), "Alice keeps hens")
        assert texts(await alice.get_all()) == ["Alice keeps hens"]
        assert "Alice keeps hens" in texts(await alice.history(str(stored.id)))
        await alice.delete_all()
        assert (await alice.count(), await bob.count()) == (0, 1)
        await bob.delete(str(other.id))

    async def both() -> None:
        web = httpx.AsyncClient(transport=httpx.MockTransport(Platform()))
        await story(mem0.AsyncMemoryClient(api_key="key", host="http://127.0.0.1", client=web))
        with STORES["qdrant"](tmp_path, None) as store:
            memory = create_memory(mem0, "qdrant", store.config)
            # Embedded Qdrant lets one client at a time into its folder.
            close_memory(memory)
            later = mem0.AsyncMemory(memory.config)
            await story(later, infer=False)
            close_memory(later)

    asyncio.run(both())


def test_nothing_of_mem0_is_imported() -> None:
    sources = Path(inspect.getfile(storage_name)).parent.glob("*.py")

    assert not [
        path for path in sources if re.search(r"import mem0|from mem0", path.read_text(encoding="utf-8"))
    ]
    assert "isolation_tests.scoped" in sys.modules


# In front of the suite's targets


def test_the_adapter_offers_what_the_inner_one_has_and_can_be_made_safe() -> None:
    unsafe = {"export", "page", "users", "maintain", "intrude"}

    assert set(claimed(ScopedAdapter(ReferenceStore()))) == set(claimed(ReferenceStore())) - unsafe
    assert set(claimed(ScopedAdapter(Bare()))) == set()
    assert "async" in claimed(ScopedAdapter(Later(ReferenceStore())))


def test_the_adapter_refuses_a_bad_user_filter_and_id() -> None:
    adapter: Any = ScopedAdapter(ReferenceStore())

    acts: tuple[Callable[[], Any], ...] = (
        lambda: adapter.add(None, "text"),
        lambda: adapter.get_all("alice", filters={"user_id": "bob"}),
        lambda: adapter.delete("alice", "no such id"),
    )
    for act in acts:
        with pytest.raises(Refused):
            act()
    assert adapter.get("alice", "no such id") is None


def test_a_store_that_answers_with_foreign_rows_is_an_error_and_no_refusal() -> None:
    adapter: Any = ScopedAdapter(Bare({"user_id": "bob"}))

    with pytest.raises(ForeignRowError):
        adapter.get_all("alice")
    assert not issubclass(ForeignRowError, Refused)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("scoped:reference", marks=pytest.mark.matrix),
        pytest.param("scoped:mem0", marks=(needs_mem0, pytest.mark.system)),
    ],
)
def test_a_scoped_system_is_held(target: str) -> None:
    results = examine(Settings(target=target, profile="quick", seed="1"))

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    assert not [result.check for result in results if "alias" in result.reason]


@pytest.mark.matrix
@pytest.mark.parametrize("fault", MENDED)
def test_a_fault_of_the_store_does_not_show_through_the_wrapper(fault: str) -> None:
    anomaly = fault.split("-", maxsplit=1)[0]
    bare = examine(Settings(target=f"fault:{fault}", profile="quick", seed="1"), until=anomaly)
    scoped = ask(Settings(target=f"scoped:fault:{fault}", seed="1"), covering(anomaly))

    assert anomaly in named(bare)
    assert not named(scoped)


@pytest.mark.parametrize("fault", NOT_MENDED)
def test_what_the_wrapper_can_not_mend_is_still_found(fault: str) -> None:
    anomaly = fault.split("-", maxsplit=1)[0]

    settings = Settings(target=f"scoped:fault:{fault}", profile="quick", seed="1")

    assert anomaly in named(examine(settings, until=anomaly))
