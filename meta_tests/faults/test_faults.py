"""Every seeded fault breaks what it says, and nothing that an ordinary user would notice."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from isolation_tests.adapter import CORE_METHODS, OPTIONAL_METHODS, Memory, MemoryAdapter, Refused
from isolation_tests.adapters.reference import AsyncReferenceStore, ReferenceStore
from isolation_tests.execution.contract import claimed
from isolation_tests.faults import ALL_FAULTS, FAULTS, Fault, UnknownFaultError, plant
from isolation_tests.faults.scope import axes
from isolation_tests.faults.support.base import call

ANOMALIES = [
    *("S1", "S2", "S3", "S5", "S6", "S7", "S8", "S9", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9"),
    *("O1", "O2", "O3", "O4", "O5", "O6", "O7", "D1", "D2", "D3", "D4", "S4", "K1", "K2"),
    *("M1", "M2", "M3", "M4", "M5", "C1", "C2", "C3", "C4", "X1", "X2", "X3", "X5"),
    "completeness",
]
ENTITY = "Marguerite Oyelaran"

# The name that acts and the name whose fact it gets. Every pair is also tried on the name faults of all
# other anomalies, which must keep the two apart.
NAMES: dict[str, list[tuple[Any, Any]]] = {
    "S3-none-opens": [(None, "ann")],
    "S3-blank-opens": [("", "ann"), (" \t", "ann")],
    "S3-zero-opens": [(0, "ann"), (False, "ann"), (0.0, "ann")],
    "S3-empty-filter-opens": [({}, "ann"), ([], "ann")],
    "S3-word-for-none-opens": [("null", "ann"), ("None", "ann"), ("undefined", "ann")],
    "S3-default-opens": [("default", "ann")],
    "S3-shared-bucket": [(None, ""), (" ", None)],
    "S6-sql-name": [("ann' OR '1'='1", "bob")],
    "S6-sql-name-in-brackets": [("ann') OR 1=1 --", "bob")],
    "S6-expression-name": [('ann" or 1 == 1 or "x" == "', "bob"), ('") or true or ("', "bob")],
    "S6-json-name": [('x", "user_id": "bob', "bob")],
    "S6-mongo-operator": [
        ({"$ne": None}, "bob"),
        ({"$gt": ""}, "bob"),
        ({"$regex": "^bo"}, "bob"),
        ({"$exists": True}, "bob"),
        ({"$nin": []}, "bob"),
        ({"$in": ["bob"]}, "bob"),
    ],
    "S6-mongo-text": [('{"$ne": "ann"}', "bob")],
    "S6-lucene": [("ann OR *", "bob"), ('ann" OR *:* OR "', "bob"), ("*:*", "bob")],
    "S6-tags": [("ann}|{*", "bob")],
    "S6-template": [("ann-${7*7}", "ann-49"), ("ann-{{7*7}}", "ann-49")],
    "A1-prefix": [("acme", "acme-corp")],
    "A1-like": [("acme", "acme-corp"), ("a_b", "a_bc")],
    "A1-joined": [("acme", "acme-corp")],
    "A1-nested": [("acme", "acme:corp")],
    "A1-suffix": [("acme", "x-acme")],
    "A1-contains": [("acme", "x-acme-y")],
    "A2-underscore": [("a_bx", "aZbx"), ("a%x", "aQwx")],
    "A2-glob": [("a*x", "aQwx"), ("a?x", "aKx"), ("a[RS]x", "aRx")],
    "A2-regex-dot": [("a.x", "aVx")],
    "A2-regex": [("a.*x", "aQwx"), ("aW+x", "aWWWx"), ("a(Mx|Nx)", "aNx")],
    "A3-casefold": [("Foo", "foo"), ("foo", "FOO")],
    "A3-upper": [("Foo", "foo"), ("\u03c0\u03c2", "\u03c0\u03c3"), ("f\u0131l", "fil")],
    "A3-strip": [("foo", "foo "), (" foo", "foo"), ("foo\t", "foo\n")],
    "A3-inner-space": [("foo  x", "foo x")],
    "A3-accent": [("jos\u00e9", "jose"), ("muller", "m\u00fcller")],
    "A4-nfc": [("caf\u00e9", "cafe\u0301"), ("\uac00", "\u1100\u1161")],
    "A4-nfkc": [("\uff41b", "ab"), ("m\u00b2", "m2"), ("a\u00a0b", "a b")],
    "A4-homoglyph": [("p\u0430l", "pal"), ("\u0391nn", "Ann")],
    "A4-zero-width": [("a\u200bb", "ab"), ("a\ufeffb", "ab"), ("a\u00adb", "ab")],
    "A4-sharp-s": [("stra\u00dfe", "strasse")],
    "A5-separator": [("x:y", "x/y"), ("a:b:c", "a:b/c"), ("a.b:c", "a:b.c")],
    "A5-pairs": [("x&1", "x=2")],
    "A5-split-at-colon": [("x:1", "x:2")],
    "A6-text": [(1, "1"), ("1.0", 1.0), (True, "True")],
    "A6-integer": [("01", "1"), (1, "1.0"), (1.0, "1")],
    "A6-float": [("1e0", "1"), ("1" + "0" * 18 + "1", "1" + "0" * 18 + "2"), ("1_7", "17")],
    "A6-truth": [(True, 1), (True, "true"), (0, False)],
    "A7-cut-at-64": [("x" * 64 + "1", "x" * 64 + "2")],
    "A7-cut-at-255": [("x" * 255 + "1", "x" * 255 + "2")],
    "A7-cut-at-255-bytes": [("\u754c" * 90 + "1", "\u754c" * 90 + "2")],
    "A7-cut-at-nul": [("a\0x", "a\0y")],
    "A7-short-hash": [("x" * 300 + "1", "x" * 300 + "2")],
    "A8-normpath": [("a/x", "a/y/../x"), ("b/.", "b"), ("../b", "b"), ("a/x", "a//x")],
    "A8-unquote": [("a/x", "a%2Fx"), ("%41x", "Ax")],
    "A8-unquoted-path": [("a/x", "a%252Fx"), ("a/x", "a/y/%2e%2e/x")],
    "A8-plus-is-space": [("a x", "a+x")],
    "A8-backslash": [("a/x", "a\\x")],
    "A8-cut-at-query": [("a?x", "a?y"), ("a#x", "a#y"), ("a;x", "a")],
    "A9-star-opens": [("*", "ann")],
    "A9-percent-opens": [("%", "ann")],
    "A9-root-opens": [("/", "ann"), ("..", "ann")],
    "A9-word-opens": [("all", "ann"), ("admin", "ann"), ("_all", "ann")],
    "A9-negated": [("!ann", "bob"), ("-ann", "bob")],
    "A9-range": [(">ann", "bob")],
}


def ask(adapter: Any, method: str, *args: Any, **keywords: Any) -> Any:
    return asyncio.run(call(getattr(adapter, method), *args, **keywords))


def texts(adapter: Any, user: Any, query: str | None = None, **keywords: Any) -> set[str]:
    """What the user sees, or nothing where the user is refused."""
    try:
        if query is None:
            return {row.text for row in ask(adapter, "get_all", user, **keywords)}
        return {row.text for row in ask(adapter, "search", user, query, limit=50, **keywords)}
    except Refused:
        return set()


def added(adapter: Any, user: Any, text: str, **keywords: Any) -> str:
    """Store a text and give its id; where a system refuses the user, the id is empty."""
    try:
        rows: Sequence[Memory] = ask(adapter, "add", user, text, **keywords)
    except Refused:
        return ""
    return rows[0].id or "" if rows else ""


def refusal(adapter: Any, method: str, *args: Any, **keywords: Any) -> str:
    with pytest.raises(Refused) as caught:
        ask(adapter, method, *args, **keywords)
    return str(caught.value)


def planted(name: str) -> Any:
    return plant(name, ReferenceStore())


class CoreOnly:
    """An async adapter with the four methods and no keyword: the least there is."""

    def __init__(self) -> None:
        self._store = ReferenceStore()

    async def add(self, user: Any, text: str) -> Sequence[Memory]:
        return self._store.add(user, text)

    async def search(self, user: Any, query: str, *, limit: int) -> Sequence[Memory]:
        return self._store.search(user, query, limit=limit)

    async def get_all(self, user: Any) -> Sequence[Memory]:
        return self._store.get_all(user)

    async def delete_all(self, user: Any) -> None:
        self._store.delete_all(user)

    async def close(self) -> str:
        return "closed"


def full(fault: Fault) -> ReferenceStore | AsyncReferenceStore:
    """A store that offers everything, as the fault needs it."""
    store = ReferenceStore()
    return AsyncReferenceStore(store) if "async" in fault.needs else store


OF_USERS = [fault for fault in ALL_FAULTS if fault not in axes.FAULTS]
"""All but the faults of further axes, which test_axis_faults.py asks."""
each_fault = pytest.mark.parametrize("fault", OF_USERS, ids=lambda fault: fault.name)


def test_names_are_unique_and_cover_the_catalogue() -> None:
    assert len(FAULTS) == len(ALL_FAULTS)
    assert {fault.anomaly for fault in ALL_FAULTS} == set(ANOMALIES)


BY_TERMS = ("S4-terms-left-behind",)
"""Faults whose search finds what has a term of the query, and nothing else."""


@each_fault
def test_says_what_it_is(fault: Fault) -> None:
    assert fault.name.startswith(f"{fault.anomaly}-")
    assert fault.summary.endswith(".")
    assert ". " not in fault.summary
    assert "\n" not in fault.summary


@each_fault
@pytest.mark.parametrize("inner", [ReferenceStore, CoreOnly])
def test_offers_what_the_inner_adapter_offers(fault: Fault, inner: Callable[[], Any]) -> None:
    adapter, broken = inner(), fault.plant(inner())
    assert isinstance(broken, MemoryAdapter)
    assert claimed(broken) == claimed(adapter)
    for method in (*CORE_METHODS, *OPTIONAL_METHODS):
        if callable(getattr(adapter, method, None)):
            assert inspect.signature(getattr(broken, method)) == inspect.signature(getattr(adapter, method))


@each_fault
def test_fits_where_it_can_show(fault: Fault) -> None:
    assert fault.fits(ReferenceStore()) == ("async" not in fault.needs)
    assert fault.fits(CoreOnly()) == (set(fault.needs) <= {"async"})


@each_fault
@pytest.mark.parametrize("inner", [full, lambda _: CoreOnly()], ids=["full", "core"])
def test_an_ordinary_user_alone_notices_nothing(fault: Fault, inner: Callable[[Fault], Any]) -> None:
    broken = fault.plant(inner(fault))
    facts = {f"{ENTITY} keeps bees", "the harbour is cold", "the third fact"}
    for text in sorted(facts):
        assert [row.text for row in ask(broken, "add", "iso-ordinary", text)] == [text]
    assert texts(broken, "iso-ordinary") == facts
    found = {text for text in facts if ENTITY in text} if fault.name in BY_TERMS else facts
    assert texts(broken, "iso-ordinary", ENTITY) == found
    assert len(ask(broken, "search", "iso-ordinary", ENTITY, limit=2)) == min(2, len(found))
    ask(broken, "delete_all", "iso-ordinary")
    assert texts(broken, "iso-ordinary") == set()


@each_fault
def test_by_id_calls_of_the_owner_work(fault: Fault) -> None:
    broken = fault.plant(full(fault))
    own = added(broken, "iso-ordinary", "one", metadata={"topic": "x"}, key="k")
    ask(broken, "update", "iso-ordinary", own, "two", metadata={"topic": "y"})
    assert ask(broken, "get", "iso-ordinary", own).text == "two"
    assert [row.text for row in ask(broken, "history", "iso-ordinary", own)] == ["one", "two"]
    assert texts(broken, "iso-ordinary", filters={"topic": "y"}) == {"two"}
    assert ask(broken, "count", "iso-ordinary") == 1
    assert [row.text for row in ask(broken, "export", "iso-ordinary")] == ["two"]
    assert [row.text for row in ask(broken, "page", "iso-ordinary", None).items] == ["two"]
    ask(broken, "delete", "iso-ordinary", own)
    assert texts(broken, "iso-ordinary") == set()


def test_every_fault_of_names_has_its_pairs() -> None:
    others = {"S3-missing-deletes", "S6-sql-filter-value", "S6-sql-filter-key", "S6-json-path"}
    others |= {"S6-query-operator", "S6-fallback-scan"}
    others |= {fault.name for fault in ALL_FAULTS if "intrude" in fault.needs}
    due = {f.name for f in ALL_FAULTS if f.anomaly[0] == "A" or f.anomaly in ("S3", "S6")}
    assert due - others - {"A5-joined-with-key"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_takes_one_name_for_another(name: str) -> None:
    for viewer, owner in NAMES[name]:
        broken = planted(name)
        added(broken, owner, "of the owner")
        added(broken, viewer, "of the viewer")
        added(broken, "iso-stranger", "of a stranger")
        assert "of the owner" in texts(broken, viewer)
        assert "of the owner" in texts(broken, viewer, "of the owner")
        assert texts(broken, "iso-stranger") == {"of a stranger"}
        if isinstance(viewer, str) and viewer.strip():
            assert "of the viewer" in texts(broken, viewer)


# What the mechanism of one fault truly takes for one, though the pair stands for another anomaly: a padded
# name begins with the bare one, and a colon ends a name.
OVERLAPS = {
    ("A1-prefix", "A3-strip"),
    ("A1-like", "A3-strip"),
    ("A1-joined", "A3-strip"),
    ("A5-split-at-colon", "A1-nested"),
}


@pytest.mark.parametrize("name", [name for name in NAMES if name[0] == "A"])
def test_takes_no_names_of_other_anomalies_for_one(name: str) -> None:
    taken = {
        (name, other)
        for other, pairs in NAMES.items()
        for viewer, owner in pairs
        if FAULTS[other].anomaly != FAULTS[name].anomaly and takes_for_one(name, viewer, owner)
    }
    assert taken == {overlap for overlap in OVERLAPS if overlap[0] == name}


def takes_for_one(name: str, viewer: Any, owner: Any) -> bool:
    broken = planted(name)
    added(broken, owner, "of the owner")
    added(broken, viewer, "of the viewer")
    return "of the owner" in texts(broken, viewer)


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"did you mean .*A1-prefix"):
        plant("A1-prefx", ReferenceStore())
    with pytest.raises(UnknownFaultError, match="choose from"):
        plant("zzz", ReferenceStore())


def test_what_is_not_broken_is_the_inner_adapters() -> None:
    broken = plant("A1-prefix", CoreOnly())
    assert ask(broken, "close") == "closed"
    assert not hasattr(broken, "get")


def test_faults_stack() -> None:
    broken = plant("X1-count-global", plant("A3-casefold", ReferenceStore()))
    added(broken, "Foo", "1")
    added(broken, "foo", "2")
    added(broken, "bar", "3")
    assert texts(broken, "foo") == {"1", "2"}
    assert ask(broken, "count", "bar") > 1


# --- one witness for every other fault -------------------------------------------------------------------


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> tuple[Any, Mapping[str, str]]:
    """A planted reference store with a fact of ann's and one of bob's, and the ids by name."""
    broken = planted(request.param)
    facts = {"ann": f"{ENTITY} told ann", "bob": f"{ENTITY} told bob"}
    return broken, {user: added(broken, user, text) for user, text in facts.items()}


def on(*faults: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pair", faults, indirect=True)


BOTH = {f"{ENTITY} told ann", f"{ENTITY} told bob"}
BOB = {f"{ENTITY} told bob"}


@on("S1-global", "S1-search-ignores-user", "S1-get-all-ignores-user")
def test_scope_is_dropped(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, _ = pair
    name = request.node.callspec.params["pair"]
    assert texts(broken, "bob") == (BOB if "search" in name else BOTH)
    assert texts(broken, "bob", "told") == (BOB if "get-all" in name else BOTH)
    assert texts(broken, None) == set()
    ask(broken, "delete_all", "bob")
    assert texts(broken, "ann", "ann") == (set() if name == "S1-global" else {f"{ENTITY} told ann"})


@on("S2-keyword-leg", "S2-entities-field")
def test_legs_leak_by_entity_only(pair: Any) -> None:
    broken, _ = pair
    assert "told ann" in str(ask(broken, "search", "bob", f"who is {ENTITY}", limit=9))
    assert "told ann" not in str(ask(broken, "search", "bob", "who told what", limit=9))
    assert texts(broken, "bob") == BOB
    ask(broken, "delete_all", "ann")
    assert "told ann" not in str(ask(broken, "search", "bob", ENTITY, limit=9))


def test_missing_user_deletes_everybody() -> None:
    broken = planted("S3-missing-deletes")
    added(broken, "ann", "1")
    assert texts(broken, None) == set()
    ask(broken, "delete_all", None)
    assert texts(broken, "ann") == set()


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("S5-or-widens", {"OR": [{"topic": "x"}, {"topic": "y"}]}),
        ("S5-not-widens", {"NOT": [{"topic": "y"}]}),
        ("S5-owner-key-replaces", {"user_id": "ann"}),
        ("S5-owner-key-replaces", {"OR": [{"topic": "x"}, {"owner": "ann"}]}),
        ("S6-sql-filter-value", {"topic": "y' OR '1'='1"}),
        ("S6-sql-filter-key", {"topic' OR '1'='1": "y"}),
        ("S6-json-path", {"x') = 1 OR 1=1 --": "y"}),
    ],
)
def test_filters_widen(name: str, filters: dict[str, Any]) -> None:
    broken = planted(name)
    for user in ("ann", "bob"):
        added(broken, user, f"of {user}", metadata={"topic": "x"})
    assert "of ann" in texts(broken, "bob", filters=filters)
    assert "of ann" in texts(broken, "bob", "of", filters=filters)
    for harmless in ({}, {"filters": {"topic": "x"}}, {"filters": {"AND": [{"topic": "x"}]}}):
        assert texts(broken, "bob", **harmless) == {"of bob"}


@on("O1-get-unchecked", "O2-update-unchecked", "O3-delete-unchecked", "O4-history-unchecked")
def test_by_id_is_unchecked(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, ids = pair
    broken_method = request.node.callspec.params["pair"].split("-")[1]
    for method in ("get", "history", "update", "delete"):
        more = ["new"] if method == "update" else []
        if method == broken_method:
            ask(broken, method, "bob", ids["ann"], *more)
        else:
            refusal(broken, method, "bob", ids["ann"], *more)
        refusal(broken, method, "bob", "no such id", *more)
    seen = {"update": {"new"}, "delete": set()}.get(broken_method, {f"{ENTITY} told ann"})
    assert texts(broken, "ann") == seen


def test_add_rebinds() -> None:
    broken = planted("O5-add-rebinds")
    added(broken, "bob", "1", metadata={"user_id": "ann"})
    added(broken, "bob", "2", metadata={"topic": "ann"})
    assert (texts(broken, "ann"), texts(broken, "bob")) == ({"1"}, {"2"})


def test_update_rebinds() -> None:
    broken = planted("O5-update-rebinds")
    own = added(broken, "bob", "1")
    refusal(broken, "update", "ann", own, "2", metadata={"owner": "ann"})
    ask(broken, "update", "bob", own, "2", metadata={"owner": "ann"})
    assert (texts(broken, "ann"), texts(broken, "bob")) == ({"2"}, set())


@pytest.mark.parametrize(
    ("name", "first", "second", "left"),
    [
        ("O6-key-overwrites", ("ann", "k"), ("bob", "k"), (set(), {"2"})),
        ("O6-key-dropped", ("ann", "k"), ("bob", "k"), ({"1"}, set())),
        ("O6-key-overwrites", ("ann", "k"), ("bob", "l"), ({"1"}, {"2"})),
        ("A5-joined-with-key", ("a:b", "c"), ("a", "b:c"), (set(), {"2"})),
        ("A5-joined-with-key", ("ann", "k"), ("bob", "k"), ({"1"}, {"2"})),
    ],
)
def test_keys_collide(
    name: str, first: tuple[str, str], second: tuple[str, str], left: tuple[set[str], set[str]]
) -> None:
    broken = planted(name)
    added(broken, first[0], "1", key=first[1])
    added(broken, second[0], "2", key=second[1])
    assert (texts(broken, first[0]), texts(broken, second[0])) == left
    ask(broken, "delete_all", first[0])
    added(broken, second[0], "3", key=second[1])
    assert "3" in texts(broken, second[0])


def test_a_cursor_is_unbound() -> None:
    broken = planted("O7-cursor-unbound")
    for user in ("ann", "bob"):
        for n in range(11):
            added(broken, user, f"{user} {n}")
    cursor = ask(broken, "page", "ann", None).cursor
    assert [row.text for row in ask(broken, "page", "bob", cursor).items] == ["ann 10"]
    assert {row.text[:3] for row in ask(broken, "page", "bob", None).items} == {"bob"}
    refusal(broken, "page", "bob", "no such cursor")


@on("D1-delete-everyone", "D2-wide-reset", "M1-shared-fate")
def test_deletes_reach_others(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, _ = pair
    name = request.node.callspec.params["pair"]
    added(broken, "ann", "the same")
    added(broken, "bob", "the same")
    ask(broken, "maintain" if name == "D2-wide-reset" else "delete_all", "bob")
    assert texts(broken, "ann") == ({f"{ENTITY} told ann"} if name == "M1-shared-fate" else set())


def test_delete_stops_at_a_page() -> None:
    broken = planted("D3-partial-page")
    for n in range(130):
        added(broken, "ann", str(n))
    ask(broken, "delete_all", "ann")
    assert len(ask(broken, "get_all", "ann")) == 30
    ask(broken, "delete_all", "ann")
    assert texts(broken, "ann") == set()


@on("D4-ghost-search", "D4-ghost-get", "D4-ghost-history", "D4-ghost-readd")
def test_deleted_facts_haunt_their_owner_only(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, ids = pair
    ghost = request.node.callspec.params["pair"].removeprefix("D4-ghost-")
    ask(broken, "delete_all", "bob")
    assert texts(broken, "bob") == set()
    assert texts(broken, "bob", "told") == (BOB if ghost == "search" else set())
    for method in ("get", "history"):
        if ghost == method:
            assert "told bob" in str(ask(broken, method, "bob", ids["bob"]))
        else:
            refusal(broken, method, "bob", ids["bob"])
        refusal(broken, method, "ann", ids["bob"])
    added(broken, "bob", "new")
    assert texts(broken, "bob") == ({"new"} | BOB if ghost == "readd" else {"new"})
    assert texts(broken, "ann", "told") == {f"{ENTITY} told ann"}


def test_equal_text_shares_an_id() -> None:
    broken = planted("M1-shared-id")
    first, second = added(broken, "ann", "the same"), added(broken, "bob", "the same")
    assert first == second
    ask(broken, "update", "bob", second, "changed")
    assert (texts(broken, "ann"), texts(broken, "bob")) == ({"the same"}, {"changed"})


def test_equal_text_is_dropped_while_another_has_it() -> None:
    broken = planted("M1-dropped")
    own = added(broken, "ann", "the same")
    added(broken, "bob", "the same")
    assert texts(broken, "bob") == set()
    ask(broken, "delete", "ann", own)
    added(broken, "bob", "the same")
    assert texts(broken, "bob") == {"the same"}


@on("X1-count-global")
def test_counts_are_global(pair: Any) -> None:
    broken, _ = pair
    assert ask(broken, "count", "bob") == 2
    assert texts(broken, "bob") == texts(broken, "bob", "told") == BOB


@on(
    "X2-existence-get",
    "X2-existence-update",
    "X2-existence-delete",
    "X2-existence-history",
    "X2-silent-update",
    "X2-silent-delete",
)
def test_existence_shows_in_one_call(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, ids = pair
    _, kind, broken_method = request.node.callspec.params["pair"].split("-")
    for method in ("get", "history", "update", "delete"):
        more = ["new"] if method == "update" else []
        absent = refusal(broken, method, "bob", "no such id", *more)
        if kind == "silent" and method == broken_method:
            assert ask(broken, method, "bob", ids["ann"], *more) is None
        else:
            foreign = refusal(broken, method, "bob", ids["ann"], *more)
            assert (foreign == absent) == (method != broken_method)
    assert texts(broken, "ann") == {f"{ENTITY} told ann"}


@on("X3-error-text", "X3-error-name", "X3-error-last-request")
def test_errors_tell_of_others(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, ids = pair
    name = request.node.callspec.params["pair"]
    if name == "X3-error-last-request":
        assert "told bob" in refusal(broken, "get_all", None)
        assert "told" not in refusal(broken, "get", "ann", ids["bob"])
        return
    told = "told ann" if name == "X3-error-text" else "ann"
    for asked in (ids["ann"], "no such id"):
        assert told in refusal(broken, "get", "bob", asked)
    assert "told" not in refusal(broken, "get_all", None)


def test_completeness_page() -> None:
    broken = planted("completeness-page-of-20")
    for n in range(25):
        added(broken, "ann", str(n))
    assert len(texts(broken, "ann")) == 20
    assert len(texts(broken, "ann", "1")) == 25


@pytest.mark.parametrize(("user", "seen"), [("ann", {"1"}), ("a_n", set()), ("a%n", set()), ("a*n", set())])
def test_completeness_overfix(user: str, seen: set[str]) -> None:
    broken = planted("completeness-overfix")
    added(broken, user, "1")
    assert texts(broken, user) == texts(broken, user, "1") == seen


POOLS = {"S4-pool-of-10": 10, "S4-pool-of-60": 60, "S4-pool-of-120": 120, "S4-pool-of-400": 400}


@pytest.mark.parametrize(("name", "pool"), [*POOLS.items(), ("S4-over-fetch", 50)])
def test_nearer_facts_of_others_hide_own_ones(name: str, pool: int) -> None:
    broken = planted(name)
    added(broken, "ann", "a long walk through the harbour")
    for n in range(pool - 1):
        added(broken, "bob", f"harbour {n}")

    def found() -> list[str]:
        return [row.text for row in ask(broken, "search", "ann", "harbour", limit=10)]

    assert found() == ["a long walk through the harbour"]
    added(broken, "bob", "harbour")
    assert found() == []
    assert texts(broken, "ann") == {"a long walk through the harbour"}
    ask(broken, "delete_all", "bob")
    assert len(found()) == 1


@pytest.mark.parametrize(
    ("name", "equal", "near"),
    [("K1-search-key", True, False), ("K2-semantic", True, True), ("K2-near-miss", False, True)],
)
def test_kept_searches_answer_others(name: str, equal: bool, near: bool) -> None:  # noqa: FBT001
    asked, alike = "where does the parade start", "where does the parade begin"
    for query, leaks in ((asked, equal), (alike, near), ("quite another question", False)):
        broken = planted(name)
        for user in ("ann", "bob"):
            added(broken, user, f"of {user}")
        assert texts(broken, "ann", asked) == texts(broken, "ann", asked) == {"of ann"}
        assert texts(broken, "bob", query) == {"of ann" if leaks else "of bob"}
        assert texts(broken, "bob") == {"of bob"}
        added(broken, "cid", "of cid")
        assert texts(broken, "bob", query) == {"of bob"}


def test_a_kept_list_answers_others_for_a_while() -> None:
    broken = planted("K1-list-key")
    for user in ("ann", "bob"):
        added(broken, user, f"of {user}")
    assert texts(broken, "bob") == {"of bob"}
    assert texts(broken, "ann") == texts(broken, "ann") == {"of ann"}
    assert texts(broken, "bob") == {"of ann"}
    assert texts(broken, "bob", "of") == {"of bob"}
    added(broken, "bob", "more")
    assert texts(broken, "bob") == {"of bob", "more"}


def test_a_memory_is_kept_by_its_id() -> None:
    broken = planted("K1-get-key")
    own = added(broken, "ann", "1")
    refusal(broken, "get", "bob", own)
    ask(broken, "get", "ann", own)
    assert ask(broken, "get", "bob", own).text == "1"
    ask(broken, "delete_all", "ann")
    refusal(broken, "get", "bob", own)


def test_a_kept_search_outlives_a_write() -> None:
    broken = planted("K1-stale")
    added(broken, "ann", "1")
    assert texts(broken, "ann", "x") == {"1"}
    texts(broken, "bob", "x")
    added(broken, "ann", "2")
    assert texts(broken, "ann", "x") == {"1"}
    assert texts(broken, "ann", "y") == texts(broken, "ann") == {"1", "2"}


def test_a_summary_is_made_of_everybodys_mentions() -> None:
    broken = planted("M2-entity-summary")
    added(broken, "ann", f"{ENTITY} told ann")
    added(broken, "bob", f"{ENTITY} told bob")
    assert texts(broken, "bob") == BOB
    added(broken, "bob", f"{ENTITY} told more")
    assert any("told ann" in text for text in texts(broken, "bob"))
    assert any("told ann" in text for text in texts(broken, "bob", ENTITY))


def test_a_row_is_joined_to_the_first_of_its_entity() -> None:
    broken = planted("M2-merged-row")
    for user, told in (("ann", "one"), ("bob", "two"), ("bob", "three")):
        added(broken, user, f"{ENTITY} told {told}")
    assert texts(broken, "bob") == {f"{ENTITY} told two"}
    assert texts(broken, "ann") == {f"{ENTITY} told one {ENTITY} told three"}


@on("M2-shared-node")
def test_an_entity_is_deleted_with_all_that_hangs_from_it(pair: Any) -> None:
    broken, _ = pair
    added(broken, "bob", "the harbour")
    ask(broken, "delete_all", "ann")
    assert texts(broken, "bob") == {"the harbour"}


@on("M3-blend", "M3-newest-rows", "M5-last-active")
def test_maintenance_mixes_users(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, _ = pair
    last_active = request.node.callspec.params["pair"] == "M5-last-active"
    ask(broken, "maintain", "ann")
    gets, gives = ("bob", "ann") if last_active else ("ann", "bob")
    assert f"told {gives}" in " ".join(texts(broken, gets))
    assert texts(broken, gives) == {f"{ENTITY} told {gives}"}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("M4-updates-foreign", ({f"{ENTITY}'s home is Bonn"}, set())),
        ("M4-removes-foreign", (set(), {f"{ENTITY}'s home is Bonn"})),
    ],
)
def test_a_statement_reaches_another_users(name: str, left: tuple[set[str], set[str]]) -> None:
    broken = planted(name)
    added(broken, "ann", f"{ENTITY}'s home is Oslo")
    added(broken, "bob", f"{ENTITY}'s boat is red")
    assert texts(broken, "ann") == {f"{ENTITY}'s home is Oslo"}
    added(broken, "bob", f"{ENTITY}'s home is Bonn")
    assert (texts(broken, "ann"), texts(broken, "bob") - {f"{ENTITY}'s boat is red"}) == left


@on("X5-export-global", "X5-page-global", "X5-page-past-end", "X5-export-last-writer")
def test_side_doors_are_open(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, _ = pair
    name = request.node.callspec.params["pair"]
    exported = {row.text for row in ask(broken, "export", "ann")}
    page = ask(broken, "page", "ann", None)
    paged = {row.text for row in page.items}
    if page.cursor is not None:
        assert {row.text for row in ask(broken, "page", "ann", page.cursor).items} == BOB
    assert (exported >= BOB, paged >= BOB, page.cursor is not None) == (
        "export" in name,
        name == "X5-page-global",
        name == "X5-page-past-end",
    )
    assert texts(broken, "ann") == texts(broken, "ann", "told") == {f"{ENTITY} told ann"}


@on("D4-ghost-foreign-write", "D4-ghost-foreign-read", "D4-ghost-maintain")
def test_deleted_facts_come_back_by_anothers_doing(pair: Any, request: pytest.FixtureRequest) -> None:
    broken, _ = pair
    name = request.node.callspec.params["pair"]
    ask(broken, "delete_all", "bob")
    assert texts(broken, "bob") == set()
    added(broken, "bob", "new")
    assert texts(broken, "bob", "told") == texts(broken, "bob") == {"new"}
    if name == "D4-ghost-maintain":
        ask(broken, "maintain", "bob")
    elif name == "D4-ghost-foreign-read":
        texts(broken, "ann", "told")
    else:
        added(broken, "ann", "new")
    assert texts(broken, "bob") == BOB | {"new"}


@pytest.mark.parametrize("name", ["O7-cursor-after-write", "O7-cursor-after-delete"])
def test_a_cursor_comes_loose(name: str) -> None:
    broken = planted(name)
    for n in range(11):
        added(broken, "ann", f"ann {n}")
    cursor = ask(broken, "page", "ann", None).cursor
    refusal(broken, "page", "bob", cursor)
    if name == "O7-cursor-after-delete":
        added(broken, "ann", "more")
        refusal(broken, "page", "bob", cursor)
        ask(broken, "delete_all", "ann")
    else:
        added(broken, "ann", "more")
    assert [row.text for row in ask(broken, "page", "bob", cursor).items] == ["ann 10"]
