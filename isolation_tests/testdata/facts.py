"""Generates people and facts about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from random import Random

from faker import Faker

__all__ = ["LOCALES", "NEUTRAL_QUERIES", "People", "made_up_word", "paraphrase", "question"]

LOCALES = ("en_US", "de_DE", "pt_BR", "ja_JP", "hi_IN", "ar_AA")

_FOODS = ("ramen", "feijoada", "pretzels", "samosas", "hummus", "pancakes", "dumplings", "lentils", "sushi")

# Every name or city has lower-case words on both sides, because two capitalised words in a row would be read
# as one entity and would link facts that no plan means to link.
_FACTS = (
    "My locker code is {canary}, said {name}.",
    "The booking reference to {city} is {canary} and must stay private.",
    "{name} keeps the wifi password {canary} next to the {food}.",
    "For the {food} club I use loyalty number {canary} in {city}.",
    "The door code of {name} is {canary} until spring.",
    "My membership card at the gym in {city} reads {canary}.",
    "{name} hides the spare key under pot {canary} in the garden.",
    "I am allergic to {food}; my patient file is {canary}.",
    "The parcel from {city} has tracking number {canary}.",
    "My voucher for {food} is {canary}, a gift by {name}.",
    "We named our boat {canary} when we lived in {city}.",
    "The safe at home opens with {canary}, only {name} knows.",
    "My library login is {canary} since we moved to {city}.",
    "{name} ordered {food} with the discount code {canary}.",
)

_SHARED_FACTS = (
    "{entity} told me the vault number {canary}.",
    "My appointment with {entity} has the reference {canary}.",
    "I pay {entity} through account {canary}.",
    "{entity} is my doctor and filed me under {canary}.",
    "The contract I signed with {entity} carries number {canary}.",
)
_SHARED_GIVEN = ("Marguerite", "Thandeka", "Leopoldina", "Evangelos", "Rosamund", "Ximena", "Balthasar")
_SHARED_FAMILY = ("Oyelaran", "Vasconcellos", "Lindqvist", "Papadakis", "Tchaikova", "Wetherby", "Ndiaye")

# Lower-case events that no ordinary fact or neutral query mentions.
_SUBJECTS = ("lantern parade", "harbour regatta", "pottery market", "kite festival", "puppet theatre")

# Two statements that contradict each other differ only in the value.
_STATEMENT = "{entity}'s favourite dish is {value}, as filed under {canary}."

NEUTRAL_QUERIES = (
    "weather forecast tomorrow",
    "bicycle tyre pressure",
    "quarterly tax deadlines",
    "chess openings",
    "volcano eruption history",
    "jazz piano lessons",
    "solar panel efficiency",
    "medieval castle architecture",
    "marathon training schedule",
    "telescope mirror cleaning",
)

# Made up of these, a word has a shape, and means nothing in any language that we know of.
_SYLLABLES = 4
_ONSETS, _VOWELS, _CODA = ("bl", "dr", "gl", "kr", "pf", "sn", "tr", "zw"), "aeiou", "fgkmpx"

_WORD = re.compile(r"\w+")
_RESERVED = frozenset(
    word
    for text in (*NEUTRAL_QUERIES, *_SHARED_GIVEN, *_SHARED_FAMILY)
    for word in _WORD.findall(text.casefold())
)


@lru_cache(maxsize=len(LOCALES))
def _pools(locale: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given names and cities of a locale: single words, none reserved, always the same."""
    faker = Faker(locale)
    faker.seed_instance(20)
    return _words(faker.first_name), _words(faker.city)


def _words(draw: Callable[[], object]) -> tuple[str, ...]:
    drawn = (str(draw()) for _ in range(400))
    kept = dict.fromkeys(word for word in drawn if _usable(word))
    return tuple(islice(kept, 40))


def _usable(word: str) -> bool:
    return not re.search(r"[\s{}]", word) and _RESERVED.isdisjoint(_WORD.findall(word.casefold()))


class People:
    """A source of facts about people: the same seed gives the same facts in the same order."""

    def __init__(self, seed: int) -> None:
        """Start with a seed, any integer."""
        self._random = Random(seed)  # noqa: S311 - data for reading, no secret

    def fact(self) -> str:
        """A sentence about a person that contains "{canary}" once, and no two capitalised words in a row."""
        names, cities = _pools(self._random.choice(LOCALES))
        text = self._random.choice(_FACTS)
        values = {"{name}": names, "{city}": cities, "{food}": _FOODS}
        for field, pool in values.items():
            text = text.replace(field, self._random.choice(pool))
        return text

    def neutral_query(self) -> str:
        """A plausible search that shares no word with any fact, so that its hits are not keyword matches."""
        return self._random.choice(NEUTRAL_QUERIES)

    def fact_with(self, words: Sequence[str]) -> str:
        """A sentence that has these words in it and contains "{canary}" once."""
        return f"The labels {' '.join(words)} are on box {{canary}}."

    def shared_entity(self) -> str:
        """A person's full name: two capitalised words that no ordinary fact contains."""
        return f"{self._random.choice(_SHARED_GIVEN)} {self._random.choice(_SHARED_FAMILY)}"

    def fact_about(self, entity: str) -> str:
        """A sentence that mentions the entity and contains "{canary}" once."""
        return self._random.choice(_SHARED_FACTS).replace("{entity}", entity)

    def subject(self) -> str:
        """An event, in two lower-case words that ordinary facts do not contain."""
        return self._random.choice(_SUBJECTS)

    def fact_near(self, subject: str) -> str:
        """A short text that repeats `question(subject)` and contains "{canary}" once."""
        names, _ = _pools(self._random.choice(LOCALES))
        name = self._random.choice(names)
        return f"{question(subject)} The {subject} starts at gate {{canary}}, said {name}."

    def fact_far(self, subject: str) -> str:
        """A long sentence that mentions the subject in passing and contains "{canary}" once."""
        names, _ = _pools(self._random.choice(LOCALES))
        name, food = self._random.choice(names), self._random.choice(_FOODS)
        return (
            f"The tent that {name} sold me after the {subject} came with some {food}, a torn map, "
            "two blunt pegs and a receipt that carries number {canary} on its back."
        )

    def statements(self, entity: str) -> tuple[str, str]:
        """Two contradicting statements about the entity, each with "{canary}" once."""
        one, other = self._random.sample(_FOODS, 2)
        text = _STATEMENT.replace("{entity}", entity)
        return text.replace("{value}", one), text.replace("{value}", other)


def made_up_word(seed: str) -> str:
    """A word that nobody has ever stored: the same seed gives the same one, and all are of one shape."""
    chance = Random(seed)  # noqa: S311 - data for reading, no secret
    syllables = (chance.choice(_ONSETS) + chance.choice(_VOWELS) for _ in range(_SYLLABLES))
    return "".join(syllables) + chance.choice(_CODA)


def question(subject: str) -> str:
    """A question about the subject."""
    return f"Where does the {subject} start?"


def paraphrase(subject: str) -> str:
    """The same question with one other word."""
    return f"Where does the {subject} begin?"
