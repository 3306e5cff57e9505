"""Canaries are found wherever they went, and only the run's own; facts are repeatable and apart."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from isolation_tests.model import UserNumber
from isolation_tests.testdata.canaries import Canary, Found, Mint
from isolation_tests.testdata.facts import LOCALES, NEUTRAL_QUERIES, People, paraphrase, question

MINT = Mint(bytes(range(32)))
OTHER = Mint(bytes(32))
CANARY = Canary(user=UserNumber(70_000), fact=3)
TOKEN = MINT.token(CANARY)
CANARIES = st.builds(Canary, user=st.integers(0, 2**40 - 1), fact=st.integers(0, 2**16 - 1))


@given(CANARIES)
def test_a_token_says_whose_it_is(canary: Canary) -> None:
    token = MINT.token(canary)
    assert re.fullmatch(r"zk[a-z2-7]{24}", token)
    assert MINT.read(token) == MINT.read(token.upper()) == canary
    assert MINT.find(f"x {token} y") == [canary]


@given(CANARIES, CANARIES)
def test_two_canaries_have_two_tokens(one: Canary, two: Canary) -> None:
    assert (MINT.token(one) == MINT.token(two)) == (one == two)


@given(CANARIES, st.integers(0, 25), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_an_altered_token_is_nobodys(canary: Canary, place: int, letter: str) -> None:
    token = MINT.token(canary)
    altered = token[:place] + letter + token[place + 1 :]
    assume(altered != token)
    assert MINT.read(altered) is None
    assert MINT.find(altered) == []


@given(CANARIES)
def test_another_run_does_not_know_the_token(canary: Canary) -> None:
    assert OTHER.read(MINT.token(canary)) is None
    assert OTHER.find(MINT.token(canary)) == []


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert MINT.read(text) is None
    assert MINT.find(text) == []


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_token_is_found_in_any_text(before: str, after: str) -> None:
    assert MINT.find(f"{before}{TOKEN}{after}") == [CANARY]


@pytest.mark.parametrize(("user", "fact"), [(-1, 0), (2**40, 0), (0, -1), (0, 2**16)])
def test_a_canary_has_bounds(user: int, fact: int) -> None:
    with pytest.raises(ValueError, match="must be 0 to"):
        Canary(UserNumber(user), fact)


def test_a_secret_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Mint(b"short")


def spread(separator: str, every: int = 1) -> str:
    return separator.join(TOKEN[i : i + every] for i in range(0, len(TOKEN), every))


@pytest.mark.parametrize(
    "text",
    [
        TOKEN.upper(),
        TOKEN.title(),
        f"z.k zk-{TOKEN}",
        f"zzk{TOKEN}abc",
        spread("-", 4),
        spread(" "),
        spread("_"),
        spread(".", 5),
        spread("-\n", 8),
        spread("\u200b"),
        spread("\u00ad", 6),
        quote(spread(" ", 3)),
        quote(spread("\u200b", 3)),
        quote(quote(spread("/", 3), safe="")),
        json.dumps(spread("\u200b", 2)),
        json.dumps(spread("\n", 2)),
        html.escape(spread("'", 2)),
        "".join(chr(ord(c) + 0xFEE0) for c in TOKEN),
        "".join(f"%{ord(c):02x}" for c in TOKEN),
        base64.b64encode(f'{{"after": "{TOKEN}"}}'.encode()).decode(),
        base64.urlsafe_b64encode(f"ÿÿÿ {TOKEN} more text".encode()).decode().rstrip("="),
    ],
)
def test_a_disguised_token_is_found(text: str) -> None:
    assert MINT.find(f"It was {text}, she said.") == [CANARY]


def test_several_tokens_are_found_once_each_and_in_order() -> None:
    other = Canary(UserNumber(1), 1)
    assert MINT.find(f"{MINT.token(other)}{TOKEN} {MINT.token(other)}") == [other, CANARY]


@dataclass
class Record:
    text: str
    link: object = None


@dataclass(frozen=True, slots=True)
class Slotted:
    text: str


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    text: str = ""
    vector: list[float] = []


class Unset:
    __slots__ = ("absent", "text")

    def __init__(self) -> None:
        self.text = TOKEN


class Touchy:
    def __init__(self) -> None:
        self.text = TOKEN

    @property
    def broken(self) -> str:
        raise RuntimeError(self.text)

    def __str__(self) -> str:
        raise RuntimeError(self.text)


class Liar:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("what am I?")


class HalfMapping(dict[str, str]):
    def __getitem__(self, key: str) -> str:
        if key == "bad":
            raise KeyError(key)
        return super().__getitem__(key)


class Row:
    __slots__ = ()

    def keys(self) -> list[str]:
        return ["text"]

    def __getitem__(self, key: str) -> str:
        return TOKEN


class Opaque:
    __slots__ = ()

    def __str__(self) -> str:
        return f"<{TOKEN}>"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (TOKEN, "raw"),
        (TOKEN.encode(), "raw"),
        (bytearray(TOKEN.encode()), "raw"),
        (memoryview(TOKEN.encode()), "raw"),
        (b"\xff\xfe" + TOKEN.encode(), "raw"),
        ({"payload": {"data": [0, TOKEN]}}, "raw.payload.data[1]"),
        ({TOKEN: 1}, "raw.<key>"),
        ({"iso-1-2": {"text": TOKEN}}, "raw.<key>.text"),
        ({("a", TOKEN): 1}, "raw.<key>[1]"),
        (MappingProxyType({"text": TOKEN}), "raw.text"),
        ({"a": TOKEN}.values(), "raw[]"),
        ({TOKEN}, "raw[]"),
        ((1.0, 2.0, TOKEN), "raw[2]"),
        (Record("", Record(TOKEN)), "raw.link.text"),
        (Slotted(TOKEN), "raw.text"),
        (Unset(), "raw.text"),
        (Touchy(), "raw.text"),
        (Model(text=TOKEN, vector=[0.1] * 2000), "raw.text"),
        (Row(), "raw.text"),
        (Opaque(), "raw"),
        (HalfMapping(bad="x", text=TOKEN), "raw.text"),
        ([Liar(), TOKEN], "raw[1]"),
    ],
)
def test_scan_names_the_field(value: object, where: str) -> None:
    assert Found(CANARY, where) in MINT.scan(value, "raw")
    assert {found.canary for found in MINT.scan(value, "raw")} == {CANARY}


def test_scan_reads_what_a_model_was_given_besides() -> None:
    found = MINT.scan(Model.model_validate({"surprise": TOKEN}), "raw")
    assert [each.canary for each in found] == [CANARY]


def raised() -> BaseException:
    try:
        try:
            raise KeyError(MINT.token(Canary(UserNumber(1), 0)))  # noqa: TRY301 - the chain is what is tested
        except KeyError as cause:
            error = RuntimeError("no", {"detail": MINT.token(Canary(UserNumber(2), 0))})
            error.add_note(MINT.token(Canary(UserNumber(3), 0)))
            raise error from cause
    except RuntimeError as error:
        return ExceptionGroup("several", [error])


def test_scan_reads_causes_arguments_and_notes_of_exceptions() -> None:
    assert {found.canary.user for found in MINT.scan(raised(), "error")} == {1, 2, 3}


def test_scan_ends_on_cycles_and_depth() -> None:
    loop: list[object] = [TOKEN]
    loop.append({"loop": loop})
    deep: object = TOKEN
    for _ in range(100_000):
        deep = [deep]
    assert MINT.scan([loop, deep], "raw") == [Found(CANARY, "raw[0][0]")]


def test_scan_consumes_no_iterator_and_skips_numbers() -> None:
    def tokens() -> Iterator[str]:
        yield TOKEN

    stream = tokens()
    assert MINT.scan([stream, [0.5] * 10_000, range(10**12), 3, None, MINT, print], "raw") == []
    assert list(stream) == [TOKEN]


WORD = re.compile(r"\w+")


def facts(seed: int, count: int = 400) -> list[str]:
    people = People(seed)
    return [people.fact() for _ in range(count)]


def words(text: str) -> set[str]:
    return set(WORD.findall(text.casefold()))


def everything(people: People) -> list[str]:
    entity = people.shared_entity()
    return [people.fact(), people.neutral_query(), entity, people.fact_about(entity)]


@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_people(seed: int) -> None:
    one, two = People(seed), People(seed)
    assert [everything(one) for _ in range(5)] == [everything(two) for _ in range(5)]


def test_facts_vary_and_hold_one_place_for_a_canary() -> None:
    drawn = facts(1)
    assert facts(2) != drawn
    assert len(set(drawn)) > 200
    assert all(text.count("{canary}") == 1 and text.count("{") == text.count("}") == 1 for text in drawn)
    assert len(LOCALES) >= 5


def test_ordinary_facts_hold_no_two_capitalised_words_in_a_row() -> None:
    for text in facts(3, 2000):
        spaced = text.split(" ")
        assert not any(a[:1].isupper() and b[:1].isupper() for a, b in pairwise(spaced)), text


def test_neutral_queries_share_no_word_with_any_fact() -> None:
    people = People(4)
    told = facts(5, 3000) + [people.fact_about(people.shared_entity()) for _ in range(300)]
    reserved = set().union(*(words(query) for query in NEUTRAL_QUERIES))
    assert reserved.isdisjoint(set().union(*(words(text) for text in told)))
    assert people.neutral_query() in NEUTRAL_QUERIES


def test_a_shared_entity_is_a_full_name_that_ordinary_facts_lack() -> None:
    people = People(6)
    ordinary = set().union(*(words(text) for text in facts(7, 3000)))
    for entity in {people.shared_entity() for _ in range(200)}:
        assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", entity)
        assert words(entity).isdisjoint(ordinary)
        about = people.fact_about(entity)
        assert entity in about
        assert about.count("{canary}") == 1


def nearness(one: str, other: str) -> float:
    return len(words(one) & words(other)) / len(words(one) | words(other))


@pytest.mark.parametrize("seed", range(20))
def test_near_facts_are_nearer_than_far_ones_however_it_is_measured(seed: int) -> None:
    people = People(seed)
    subject = people.subject()
    near, far = people.fact_near(subject), people.fact_far(subject)
    for asked in (question(subject), subject):
        assert words(asked) <= words(near)
        assert words(subject) <= words(far)
        assert nearness(asked, near) > 1.5 * nearness(asked, far)
        assert len(words(asked) & words(near)) >= len(words(asked) & words(far))


def test_facts_on_a_subject_are_found_by_it_alone() -> None:
    people = People(8)
    told = [make(people.subject()) for make in (people.fact_near, people.fact_far) for _ in range(50)]
    reserved = set().union(*(words(query) for query in NEUTRAL_QUERIES))
    assert reserved.isdisjoint(set().union(*map(words, told)))
    assert all(text.count("{canary}") == 1 and text.count("{") == 1 for text in told)
    ordinary = set().union(*map(words, facts(9, 2000)))
    assert all(words(people.subject()).isdisjoint(ordinary) for _ in range(50))


def test_a_paraphrase_is_near_and_not_equal() -> None:
    subject = People(10).subject()
    assert 0.6 <= nearness(question(subject), paraphrase(subject)) < 1


@pytest.mark.parametrize("seed", range(10))
def test_statements_contradict_each_other_in_one_word(seed: int) -> None:
    people = People(seed)
    entity = people.shared_entity()
    one, other = people.statements(entity)
    assert entity in one
    assert len(words(one) - words(other)) == len(words(other) - words(one)) == 1
    assert one.count("{canary}") == other.count("{canary}") == 1
