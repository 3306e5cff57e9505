"""Names: each relation is an instance of its own anomaly and, with listed exceptions, of no other."""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
import unicodedata
from collections.abc import Callable
from typing import Literal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.model import UserSpec
from isolation_tests.testdata.classification import classify
from isolation_tests.testdata.display import difference, show
from isolation_tests.testdata.relations import (
    HOSTILE_VALUES,
    RELATIONS,
    HostileValue,
    Relation,
    bind,
    relation,
)

BASE, NUMBER = "iso-k3f9-000017", 48271

EITHER_NAME = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab_%*?[].+()|\\/'\"{}$-", max_size=40),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def names(each: Relation) -> tuple[object, object]:
    a, b = each.pair()
    return bind(a, BASE, NUMBER), bind(b, BASE, NUMBER)


def equal(fold: Callable[[str], object]) -> Callable[[str, str], bool]:
    return lambda a, b: fold(a) == fold(b)


def number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def like(pattern: str, name: str) -> bool:
    regex = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return re.fullmatch(regex, name, re.DOTALL) is not None


def regex(pattern: str, name: str) -> bool:
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        return False


def either(match: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda a, b: match(a, b) or match(b, a)


def without(category: str, form: Literal["NFC", "NFD"]) -> Callable[[str], str]:
    def strip(text: str) -> str:
        return "".join(c for c in unicodedata.normalize(form, text) if unicodedata.category(c) != category)

    return strip


FAULTS: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "prefix": ("A1", either(lambda a, b: b.startswith(a))),
    "contains": ("A1", either(lambda a, b: a in b)),
    "like": ("A2", either(like)),
    "glob": ("A2", either(lambda a, b: fnmatch.fnmatchcase(b, a))),
    "regex": ("A2", either(regex)),
    "lower": ("A3", equal(str.lower)),
    "casefold": ("A3", equal(str.casefold)),
    "upper": ("A3", equal(str.upper)),
    "strip": ("A3", equal(str.strip)),
    "blanks": ("A3", equal(lambda text: re.sub(r"[ \t\n]+", " ", text))),
    "accents": ("A3", equal(without("Mn", "NFD"))),
    "nfc": ("A4", equal(lambda text: unicodedata.normalize("NFC", text))),
    "nfkc": ("A4", equal(lambda text: unicodedata.normalize("NFKC", text))),
    "invisible": ("A4", equal(without("Cf", "NFC"))),
    "cyrillic": ("A4", equal(lambda text: text.replace("\u0430", "a"))),
    "separators": ("A5", equal(lambda text: re.sub(r"[-&=_:/.|,; ]", ":", text))),
    "number": ("A6", equal(number)),
    "cut-at-255": ("A7", equal(lambda text: text[:255])),
    "cut-at-255-bytes": ("A7", equal(lambda text: text.encode()[:255])),
    "cut-at-64": ("A7", equal(lambda text: text[:64])),
    "cut-at-nul": ("A7", equal(lambda text: text.split("\0")[0])),
    "normpath": ("A8", equal(posixpath.normpath)),
    "unquote": ("A8", equal(unquote)),
    "unquote-normpath": ("A8", equal(lambda text: posixpath.normpath(unquote(unquote(text))))),
    "cut-at-query": ("A8", equal(lambda text: re.split(r"[?#;]", text)[0])),
}

# Why a fault may show at a relation of another anomaly: the relation can't be had without it.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("prefix", "trailing-space"): "padding added to a name makes the name its prefix",
    ("contains", "trailing-space"): "padding added to a name makes it contain the name",
    ("contains", "leading-space"): "padding added to a name makes it contain the name",
    ("contains", "leading-zero"): "a digit in front leaves the number in the text",
    ("contains", "json-repeat"): "what is injected spells the other name",
    ("accents", "nfc-nfd"): "folding accents takes names apart first",
    ("accents", "combining-order"): "folding accents takes names apart first",
    ("accents", "hangul-jamo"): "folding accents takes names apart first",
    ("casefold", "sharp-s"): "full case folding spells the letter out",
    ("upper", "sharp-s"): "capitals of the letter are spelled out",
}


def merges(fault: str, each: Relation) -> bool:
    a, b = names(each)
    if not (isinstance(a, str) and isinstance(b, str)):
        return fault == "number" and number(str(a)) == number(str(b))
    return FAULTS[fault][1](a, b)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_merges_only_relations_of_its_own_anomaly(fault: str) -> None:
    own = FAULTS[fault][0]
    foreign = {each.name for each in RELATIONS if each.anomaly != own and merges(fault, each)}
    assert foreign == {name for known, name in EXCEPTIONS if known == fault}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_shows_at_some_relation(fault: str) -> None:
    assert any(merges(fault, each) for each in RELATIONS if each.anomaly == FAULTS[fault][0])


UNMODELLED = frozenset({"sharp-s", "backslash", "plus-space", "int-text", "int-float", "float-text"})


@pytest.mark.parametrize("each", RELATIONS, ids=lambda each: each.name)
def test_a_relation_is_an_instance_of_its_anomaly(each: Relation) -> None:
    a, b = names(each)
    assert (type(a), a) != (type(b), b)
    assert classify(a, b) == classify(b, a) == each.anomaly


@pytest.mark.parametrize(
    "each",
    [each for each in RELATIONS if each.anomaly not in ("S6", "A9") and each.name not in UNMODELLED],
    ids=lambda each: each.name,
)
def test_a_relation_is_merged_by_a_fault_of_its_anomaly(each: Relation) -> None:
    assert any(merges(fault, each) for fault, (anomaly, _) in FAULTS.items() if anomaly == each.anomaly)


@pytest.mark.parametrize("each", RELATIONS, ids=lambda each: each.name)
def test_a_name_carries_its_run(each: Relation) -> None:
    for spec in each.pair(group=3):
        assert not spec.literal
        assert spec.group == 3
        assert ("{n}" if each.anomaly == "A6" else "{base}") in spec.template
    for name in names(each):
        assert BASE in str(name) or str(NUMBER) in str(name)


@pytest.mark.parametrize(
    "each",
    [each for each in RELATIONS if not each.hostile and each.anomaly not in ("A1", "A6", "S6")],
    ids=lambda each: each.name,
)
def test_no_relation_reaches_another_pair(each: Relation) -> None:
    others = {other: f"iso-k3f9-{other:06}" for other in (1, 18, 170)}
    for name in names(each):
        for base in others.values():
            assert not any(match(str(name), base) for match in (like, regex, fnmatch.fnmatchcase))


def test_names_of_relations_and_values_are_unique_kebab_case() -> None:
    for listing in (RELATIONS, HOSTILE_VALUES):
        known = [each.name for each in listing]
        assert len(known) == len(set(known))
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in known)


def test_each_anomaly_of_names_has_relations_and_a_few_quick_ones() -> None:
    for anomaly in [f"A{i}" for i in range(1, 9)] + ["S6"]:
        quick = [each for each in RELATIONS if each.anomaly == anomaly and each.quick]
        assert 1 <= len(quick) <= 3, anomaly


def test_an_unknown_relation_names_the_nearest_one() -> None:
    assert relation("prefix-dash").b == "{base}-corp"
    with pytest.raises(LookupError, match="did you mean 'prefix-dash'"):
        relation("prefix-dsah")
    with pytest.raises(LookupError, match="use one of"):
        relation("qqqqqq")


@pytest.mark.parametrize("each", HOSTILE_VALUES, ids=lambda each: each.name)
def test_a_hostile_value_is_passed_as_it_is(each: HostileValue) -> None:
    spec = each.spec(group=2)
    assert (spec.hostile, spec.literal, spec.group) == (True, True, 2)
    bound = bind(UserSpec.model_validate_json(spec.model_dump_json()), BASE, NUMBER)
    assert (type(bound), json.dumps(bound)) == (type(each.value), json.dumps(each.value))


def test_only_absence_and_blanks_stand_for_a_missing_user() -> None:
    missing = [each.value for each in HOSTILE_VALUES if each.missing]
    assert all(value is None or (isinstance(value, str) and not value.strip()) for value in missing)
    assert None in missing
    assert all(each.anomaly == "S3" for each in HOSTILE_VALUES if each.missing)


@pytest.mark.parametrize(
    "each", [each for each in HOSTILE_VALUES if each.anomaly != "A6"], ids=lambda each: each.name
)
def test_a_hostile_value_explains_itself_against_an_ordinary_name(each: HostileValue) -> None:
    assert classify(each.value, BASE) == classify(BASE, each.value) == each.anomaly


@pytest.mark.parametrize(("a", "b"), [(1, "1"), (1, True), (1.0, "01"), (True, "True"), (2**80, str(2**80))])
def test_coercion_explains_typed_pairs(a: object, b: object) -> None:
    assert classify(a, b) == "A6"


def test_nothing_explains_unrelated_or_equal_names() -> None:
    assert classify("iso-k-1-ann", "iso-k-2-bob") is None
    assert classify("ann", "ann") is None
    assert classify(7, 8) is None


@given(a=EITHER_NAME, b=EITHER_NAME)
def test_classify_is_symmetric_and_never_raises(a: object, b: object) -> None:
    assert classify(a, b) == classify(b, a)
    assert difference(a, b)


@given(st.text(max_size=60), st.text(max_size=60))
def test_show_is_printable_and_tells_names_apart(a: str, b: str) -> None:
    assert show(a).replace("…(\u00d7", "").isascii()
    assert show(a).isprintable()
    assert (show(a) == show(b)) == (a == b)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u200bb", r"'a\u200bb'"),
        ("é\n", r"'\u00e9\n'"),
        ("\U0001f600", r"'\U0001f600'"),
        ("a" + "x" * 300, "'ax…(\u00d7300)'"),
        ("it's \\", r"'it\'s \\'"),
        (None, "None"),
        (1.0, "1.0"),
        ({"$ne": "é"}, r"{'$ne': '\xe9'}"),
    ],
)
def test_show(name: object, shown: str) -> None:
    assert show(name) == shown


@pytest.mark.parametrize(
    ("a", "b", "phrase"),
    [
        ("ann", "ann-corp", "b = a + '-corp'"),
        ("ann-corp", "ann", "a = b + '-corp'"),
        ("ann", " ann", "b = ' ' + a"),
        ("Ann", "ann", "differs in case"),
        ("1", 1, "a is text, b is a whole number"),
        (None, "ann", "a is None, b is text"),
        (1, True, "a is a whole number, b is a boolean"),
        ("caf\u00e9", "cafe\u0301", "differs in Unicode normal form only"),
        ("a_b", "aXb", "a has '_' where b has 'X', after 1 equal characters"),
        ("a/b", "a//b", "b has '/' more, after 2 equal characters"),
    ],
)
def test_difference(a: object, b: object, phrase: str) -> None:
    assert difference(a, b) == phrase
