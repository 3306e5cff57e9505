"""Relations between user names, and hostile values used in place of a name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches

from isolation_tests.model import NameSpec, NameType, UserName, UserSpec

__all__ = [
    "HOSTILE_VALUES",
    "RELATIONS",
    "HostileValue",
    "Relation",
    "bind",
    "hostile_kind",
    "relation",
]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation between two users' names for which a faulty system takes one user for the other.

    name: unique, kebab-case. anomaly: the one to report if the two are not kept apart. a, b: templates as in
    `UserSpec`. description: how b is made from a. hostile: a destructive call with such a name could reach
    other people's data. quick: part of the quick profile.
    """

    name: str
    anomaly: str
    a: str
    b: str
    description: str
    a_type: NameType = "str"
    b_type: NameType = "str"
    hostile: bool = False
    quick: bool = False

    def pair(self, group: int = 0) -> tuple[UserSpec, UserSpec]:
        """The two users of the relation; `group` separates them from other pairs in the same plan."""
        return (
            UserSpec(template=self.a, group=group, type=self.a_type, hostile=self.hostile),
            UserSpec(template=self.b, group=group, type=self.b_type, hostile=self.hostile),
        )


@dataclass(frozen=True, slots=True)
class HostileValue:
    """A literal passed in place of a user's name, the same in every run.

    value: JSON. missing: it stands for "no user given", so it must be refused or see nothing. quick: part of
    the quick profile.
    """

    name: str
    anomaly: str
    value: object
    description: str
    missing: bool = False
    quick: bool = False

    def spec(self, group: int = 0) -> UserSpec:
        """The user with this value as name; always hostile, because others may share it."""
        return UserSpec(template=json.dumps(self.value), group=group, type="json", hostile=True)


def _long(name: str, fill: str, count: int, what: str, *, quick: bool = False) -> Relation:
    head = "{base}-" + fill * count
    return Relation(name, "A7", head + "1", head + "2", f"b differs only after {what}", quick=quick)


_PREFIX = (
    Relation("prefix-dash", "A1", "{base}", "{base}-corp", "b is a with '-corp' appended", quick=True),
    Relation("prefix-digit", "A1", "{base}-2", "{base}-20", "b is a with a digit appended"),
    Relation(
        "prefix-letter", "A1", "{base}-team", "{base}-teams", "b is a with a letter appended", quick=True
    ),
    Relation("prefix-dot", "A1", "{base}", "{base}.corp", "b is a, a dot and a word"),
    Relation("prefix-slash", "A1", "{base}", "{base}/corp", "b is a, a slash and a word"),
    Relation("prefix-colon", "A1", "{base}", "{base}:corp", "b is a, a colon and a word"),
    Relation("prefix-space", "A1", "{base}", "{base} corp", "b is a, a space and a word"),
    Relation("suffix", "A1", "{base}", "x-{base}", "b is a with 'x-' in front"),
    Relation("contains", "A1", "{base}", "x-{base}-y", "b contains a in its middle"),
)
_PATTERN = (
    Relation("like-underscore", "A2", "{base}_x", "{base}Zx", "b has a letter where a has '_'", quick=True),
    Relation("like-percent", "A2", "{base}%x", "{base}Qwx", "b has letters where a has '%'", quick=True),
    Relation("glob-star", "A2", "{base}*x", "{base}Qwx", "b has letters where a has '*'"),
    Relation("glob-star-end", "A2", "{base}-*", "{base}-Tx", "b has letters where a ends in '*'"),
    Relation("glob-question", "A2", "{base}?x", "{base}Kx", "b has a letter where a has '?'"),
    Relation(
        "glob-class", "A2", "{base}[RS]x", "{base}Rx", "b has one of the letters that a has in brackets"
    ),
    Relation("regex-dot", "A2", "{base}.x", "{base}Vx", "b has a letter where a has '.'"),
    Relation("regex-any", "A2", "{base}.*x", "{base}Qwx", "b has letters where a has '.*'"),
    Relation("regex-plus", "A2", "{base}W+x", "{base}WWWx", "b repeats the letter that a has before '+'"),
    Relation("regex-choice", "A2", "{base}(Mx|Nx)", "{base}Nx", "b is one of the choices that a spells"),
)
_FOLD = (
    Relation("case-first", "A3", "{base}-Foo", "{base}-foo", "b has a lower-case first letter", quick=True),
    Relation("case-upper", "A3", "{base}-FOO", "{base}-foo", "b is a in lower case"),
    Relation(
        "case-final-sigma",
        "A3",
        "{base}-\u03c0\u03c2",
        "{base}-\u03c0\u03c3",
        "b has the other lower-case sigma",
    ),
    Relation(
        "case-dotless-i",
        "A3",
        "{base}-f\u0131l",
        "{base}-fil",
        "b has a dotted i; both become I in upper case",
    ),
    Relation("accent", "A3", "{base}-josé", "{base}-jose", "b lacks the accent"),
    Relation("accent-umlaut", "A3", "{base}-müller", "{base}-muller", "b lacks the umlaut"),
    Relation("trailing-space", "A3", "{base}", "{base} ", "b is a with a space at the end", quick=True),
    Relation("leading-space", "A3", "{base}", " {base}", "b is a with a space in front"),
    Relation("trailing-blanks", "A3", "{base}\t", "{base}\n", "b ends in a new line, a in a tab"),
    Relation("inner-space", "A3", "{base}  x", "{base} x", "b has one space where a has two"),
)
_NORMAL_FORM = (
    Relation(
        "nfc-nfd",
        "A4",
        "{base}-caf\u00e9",
        "{base}-cafe\u0301",
        "b has the accent as a separate character",
        quick=True,
    ),
    Relation("combining-order", "A4", "{base}-a\u0323\u0307", "{base}-a\u0307\u0323", "b swaps two marks"),
    Relation(
        "hangul-jamo", "A4", "{base}-\uac00", "{base}-\u1100\u1161", "b spells the syllable in its parts"
    ),
    Relation(
        "full-width", "A4", "{base}-\uff41b", "{base}-ab", "b has an ordinary letter where a has a wide one"
    ),
    Relation("ligature", "A4", "{base}-\u0133s", "{base}-ijs", "b has two letters where a has a ligature"),
    Relation(
        "superscript", "A4", "{base}-m\u00b2", "{base}-m2", "b has an ordinary digit where a has a raised one"
    ),
    Relation(
        "no-break-space",
        "A4",
        "{base}-a\u00a0b",
        "{base}-a b",
        "b has an ordinary space where a has a no-break space",
    ),
    Relation("sharp-s", "A4", "{base}-stra\u00dfe", "{base}-strasse", "b has ss where a has a sharp s"),
    Relation(
        "homoglyph",
        "A4",
        "{base}-p\u0430l",
        "{base}-pal",
        "b has a Latin letter where a has a Cyrillic one",
        quick=True,
    ),
    Relation("zero-width-space", "A4", "{base}-a\u200bb", "{base}-ab", "b lacks the zero-width space"),
    Relation("zero-width-joiner", "A4", "{base}-a\u200db", "{base}-ab", "b lacks the zero-width joiner"),
    Relation("byte-order-mark", "A4", "{base}-a\ufeffb", "{base}-ab", "b lacks the byte order mark"),
    Relation("soft-hyphen", "A4", "{base}-a\u00adb", "{base}-ab", "b lacks the soft hyphen"),
)
_SEPARATOR = (
    Relation("colon-slash", "A5", "{base}:x", "{base}/x", "b has '/' where a has ':'", quick=True),
    Relation("underscore-dash", "A5", "{base}_b-c", "{base}-b_c", "b swaps '_' and '-'", quick=True),
    Relation("dot-colon", "A5", "{base}.b:c", "{base}:b.c", "b swaps '.' and ':'"),
    Relation("ampersand-equals", "A5", "{base}&x", "{base}=x", "b has '=' where a has '&'"),
    Relation("pipe-slash", "A5", "{base}|x", "{base}/x", "b has '/' where a has '|'"),
    Relation("joined-segments", "A5", "{base}:b:c", "{base}:b/c", "b has '/' where a has the second ':'"),
    Relation("double-underscore", "A5", "{base}__b--c", "{base}--b__c", "b swaps '__' and '--'"),
    Relation("comma-semicolon", "A5", "{base},x", "{base};x", "b has ';' where a has ','"),
    Relation("space-underscore", "A5", "{base} b_c", "{base}_b c", "b swaps space and '_'"),
)
_COERCION = (
    Relation("int-text", "A6", "{n}", "{n}", "b is the whole number that a spells", b_type="int", quick=True),
    Relation("int-float", "A6", "{n}", "{n}", "b is a as a float", a_type="int", b_type="float"),
    Relation("float-text", "A6", "{n}.0", "{n}", "b is the float that a spells", b_type="float"),
    Relation("leading-zero", "A6", "{n}", "0{n}", "b is a with a leading zero", quick=True),
    Relation("signed", "A6", "0{n}", "+{n}", "b has a plus sign where a has a zero"),
    Relation("exponent", "A6", "{n}.00", "{n}e0", "b writes the number with an exponent"),
    Relation("digit-underscore", "A6", "{n}_7", "{n}7", "b lacks the underscore between digits"),
    Relation(
        "double-precision",
        "A6",
        "{n}" + "0" * 18 + "1",
        "{n}" + "0" * 18 + "2",
        "b differs beyond double precision",
    ),
)
_TRUNCATION = (
    _long("long-64", "x", 64, "64 more characters"),
    _long("long-128", "x", 128, "128 more characters"),
    _long("long-256", "x", 256, "256 more characters", quick=True),
    _long("long-300", "x", 300, "300 more characters"),
    _long("long-1024", "x", 1024, "1024 more characters"),
    _long("long-4096", "x", 4096, "4096 more characters"),
    _long("long-bytes", "\u754c", 90, "270 more bytes, which are only 90 characters"),
    Relation("nul", "A7", "{base}-a\0x", "{base}-a\0y", "b differs only after a NUL character"),
)
_PATH = (
    Relation("dot-dot", "A8", "{base}/x", "{base}/y/../x", "b takes a detour through '..'", quick=True),
    Relation("dot-segment", "A8", "{base}/x", "{base}/./x", "b has a '.' segment"),
    Relation("double-slash", "A8", "{base}/x", "{base}//x", "b has an empty segment"),
    Relation("trailing-segments", "A8", "{base}/x//", "{base}/x/./", "b ends in '/./' where a ends in '//'"),
    Relation("backslash", "A8", "{base}/x", "{base}\\x", "b has a backslash where a has a slash"),
    Relation("percent-slash", "A8", "{base}/x", "{base}%2Fx", "b has the slash URL-encoded", quick=True),
    Relation("percent-letter", "A8", "{base}Ax", "{base}%41x", "b has a letter URL-encoded"),
    Relation("percent-twice", "A8", "{base}/x", "{base}%252Fx", "b has the slash URL-encoded twice"),
    Relation("percent-dots", "A8", "{base}/x", "{base}/y/%2e%2e/x", "b has '..' URL-encoded"),
    Relation("plus-space", "A8", "{base} x", "{base}+x", "b has '+' where a has a space"),
    Relation("path-parameter", "A8", "{base};x", "{base};y", "b differs only after ';'"),
    Relation("query-string", "A8", "{base}?x", "{base}?y", "b differs only after '?'"),
    Relation("fragment", "A8", "{base}#x", "{base}#y", "b differs only after '#'"),
)
_RESERVED_FORM = (
    Relation("negate-bang", "A9", "!{base}", "{base}-x", "a reads as 'not' in many filters", hostile=True),
    Relation("negate-minus", "A9", "-{base}", "{base}-x", "a reads as 'without' in searches", hostile=True),
    Relation("range-greater", "A9", ">{base}", "{base}-x", "a reads as a range above a name", hostile=True),
)


def _injection(name: str, a: str, what: str, *, hostile: bool = True, quick: bool = False) -> Relation:
    return Relation(name, "S6", a, "{base}-b", f"b is plain; a {what}", hostile=hostile, quick=quick)


# Without spaces where the syntax allows it, because many systems refuse a name only for its spaces.
_INJECTION = (
    _injection("sql-quote", "{base}-a'OR'1'='1", "closes a single-quoted SQL text", quick=True),
    _injection("sql-double-quote", '{base}-a"OR"1"="1', "closes a double-quoted text"),
    _injection("sql-comment", "{base}-a')OR(1=1)--", "closes a bracket and comments out the rest"),
    _injection("sql-stacked", "{base}-a';DROP/**/TABLE/**/iso_none;--", "adds an SQL statement"),
    _injection("json-path", '{base}-a"||@.text!="', "closes the text of a JSON path filter"),
    _injection("expression", '{base}-a"or(1==1)or"x"=="', "closes the text of a filter expression"),
    _injection("lucene-or", "{base}-a OR *", "adds a Lucene alternative"),
    _injection("lucene-field", '{base}-a" OR *:* OR "', "closes a Lucene phrase"),
    _injection(
        "lucene-own", "{base}-a OR {base}-?", "adds an alternative within its own names", hostile=False
    ),
    _injection("tag-brace", "{base}-a}|{*", "closes the braces of a tag filter"),
    _injection("mongo-not-equal", '{"$ne":"{base}-a"}', "is an operator as JSON text", quick=True),
    _injection("mongo-regex", '{"$regex":"^{base}-."}', "is a pattern as JSON text", hostile=False),
    _injection(
        "json-repeat", '{base}-a","user_id":"{base}-b', "closes a JSON text and repeats the owner's key"
    ),
    _injection("script", "{base}-a';return(true);//", "closes the text of a script"),
    _injection("cypher", "{base}-a'OR/**/true/**/RETURN/**/n//", "closes the text of a graph query"),
    Relation(
        "template-dollar",
        "S6",
        "{base}-a${7*7}",
        "{base}-a49",
        "b is what a template engine makes of a",
        quick=True,
    ),
    Relation(
        "template-braces", "S6", "{base}-a{{7*7}}", "{base}-a49", "b is what a template engine makes of a"
    ),
)

RELATIONS: tuple[Relation, ...] = (
    *_PREFIX,
    *_PATTERN,
    *_FOLD,
    *_NORMAL_FORM,
    *_SEPARATOR,
    *_COERCION,
    *_TRUNCATION,
    *_PATH,
    *_RESERVED_FORM,
    *_INJECTION,
)
_BY_NAME = {each.name: each for each in RELATIONS}


def relation(name: str) -> Relation:
    """The relation with this name; raises LookupError with the nearest name if there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(_BY_NAME)}."
    raise LookupError(f"There is no relation {name!r}; {hint}")


_WORDS = ("all", "_all", "$all", "admin", "system", "global", "public", "root", "anonymous", "everyone")


def _word(word: str) -> HostileValue:
    name = word.replace("_", "underscore-").replace("$", "dollar-")
    return HostileValue(f"word-{name}", "A9", word, f"the reserved word {word}", quick=word == "all")


# "null", "None" and "undefined" are S3, not A9, because no system reserves them. An application turns a
# missing user into such a text, and all these callers then share one bucket.
HOSTILE_VALUES: tuple[HostileValue, ...] = (
    HostileValue("none", "S3", None, "no user at all", missing=True, quick=True),
    HostileValue("empty", "S3", "", "empty text", missing=True, quick=True),
    HostileValue("blank", "S3", " ", "one space", missing=True, quick=True),
    HostileValue("blank-lines", "S3", "\t\n", "a tab and a new line", missing=True),
    HostileValue("zero", "S3", 0, "a number that counts as false", quick=True),
    HostileValue("false", "S3", value=False, description="the boolean false"),
    HostileValue("empty-list", "S3", [], "a list of no users"),
    HostileValue("empty-object", "S3", {}, "a filter with no condition"),
    HostileValue("word-default", "S3", "default", "the name many systems fall back to", quick=True),
    HostileValue("word-null", "S3", "null", "a missing user turned into text in JSON"),
    HostileValue("word-none", "S3", "None", "a missing user turned into text in Python"),
    HostileValue("word-undefined", "S3", "undefined", "a missing user turned into text in JavaScript"),
    HostileValue("nul", "S3", "\0", "a lone NUL character, empty to C programs"),
    HostileValue("star", "A9", "*", "the wildcard of globs and access rules", quick=True),
    HostileValue("percent", "A9", "%", "the wildcard of SQL patterns", quick=True),
    HostileValue("dot", "A9", ".", "the current folder"),
    HostileValue("dot-dot", "A9", "..", "the folder above"),
    HostileValue("slash", "A9", "/", "the root of a tree of names"),
    *(_word(word) for word in _WORDS),
    HostileValue("number-one", "A6", 1, "a whole number", quick=True),
    HostileValue("true", "A6", value=True, description="the boolean true, equal to 1 in Python"),
    HostileValue("float-one", "A6", 1.0, "a float equal to 1"),
    HostileValue("text-one", "A6", "1", "the text of the number 1"),
    HostileValue("not-null", "S6", {"$ne": None}, "an operator that matches every user", quick=True),
    HostileValue("greater-than", "S6", {"$gt": ""}, "an operator that matches every text"),
    HostileValue("exists", "S6", {"$exists": True}, "an operator that matches every record"),
    HostileValue("regex", "S6", {"$regex": ".*"}, "a pattern that matches every text"),
    HostileValue("list", "S6", ["a", "b"], "several users at once"),
    HostileValue("quote", "S6", "' OR '1'='1", "a text that closes a quoted SQL text", quick=True),
    HostileValue("match-all", "S6", "*:*", "the query that matches every document"),
)


def bind(spec: NameSpec, base: str, n: int) -> UserName:
    """A user's real name: the template with `base` and the number `n` filled in, in the spec's type."""
    if spec.type == "json":
        return UserName(json.loads(spec.template))
    text = spec.template.replace("{base}", base).replace("{n}", str(n))
    if spec.type == "int":
        return UserName(int(text))
    return UserName(float(text) if spec.type == "float" else text)


_HARMLESS = frozenset(name for each in RELATIONS if not each.hostile for name in (each.a, each.b))
_PLAIN_NAME = re.compile(r"\{base\}(?:[\w\- .:/@+~]|\{base\})*")


def reaches_only_itself(spec: NameSpec) -> bool:
    """Whether a write or delete as this user can reach no data but that of users whom the run made.

    A plan may come from a file, so the spec's own word is not enough. Only two forms count: those that the
    suite ships as harmless, and a fresh base that letters, digits and plain punctuation follow.
    """
    if spec.hostile or spec.type == "json":
        return False
    return spec.template in _HARMLESS or _PLAIN_NAME.fullmatch(spec.template) is not None


def may_be_real(name: object) -> bool:
    """Whether somebody outside the run could really have this name, such as "admin", 1 or a list of names.

    Text without a letter or digit is nobody's name, and neither is text with an operator or quote in it.
    """
    if isinstance(name, bool | int | float):
        return True
    if isinstance(name, list | tuple):
        return any(map(may_be_real, name))
    return isinstance(name, str) and re.search(r"\w", name) is not None and not re.search(r"['\"*%=]", name)


def hostile_kind(spec: UserSpec) -> str | None:
    """The anomaly that a hostile name itself stands for; None for other names."""
    if not spec.hostile:
        return None
    kinds = (r.anomaly for r in RELATIONS if r.hostile and spec.template in (r.a, r.b))
    return next(kinds, None)
