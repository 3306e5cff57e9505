"""Canaries: tokens that identify a fact's owner, and the search for them in any answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import re
import types
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote

from isolation_tests.model import UserNumber

__all__ = ["Canary", "Found", "Mint", "holds_none", "leaves"]

_SECRET_BYTES, _USER_BYTES, _FACT_BYTES, _TAG_BYTES = 32, 5, 2, 8
_PAYLOAD_BYTES = _USER_BYTES + _FACT_BYTES
_PREFIX, _TOKEN_LENGTH = "zk", 26
_REMEMBERED_TEXTS = 4096  # the same text occurs in several fields and answers
_GAP = r"[\W_]{0,8}"
# The look-ahead keeps a stray "z k" in front of a token from consuming the token's beginning.
_CANDIDATE = re.compile(rf"(?=z{_GAP}k((?:{_GAP}[a-z2-7]){{24}}))")
_NOISE = re.compile(r"[\W_]+")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf/\\\"']))")
_SHORTEST_BASE64 = 40
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST_BASE64},}}")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")

_MAX_DEPTH = 100
_MAX_NODES = 1_000_000
_PLAIN = (bool, int, float, complex, type(None))
_CODE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
)


@dataclass(frozen=True, slots=True)
class Canary:
    """The user and the fact that a token stands for.

    user: number of the user, unique in the run, 0 to 2**40 - 1. fact: number of the user's fact, 0 to 2**16 -
    1. Raises ValueError for numbers outside these ranges.
    """

    user: UserNumber
    fact: int

    def __post_init__(self) -> None:
        if not 0 <= self.user < 1 << 8 * _USER_BYTES:
            raise ValueError(f"a canary's user must be 0 to 2**40 - 1, not {self.user}")
        if not 0 <= self.fact < 1 << 8 * _FACT_BYTES:
            raise ValueError(f"a canary's fact must be 0 to 2**16 - 1, not {self.fact}")


@dataclass(frozen=True, slots=True)
class Found:
    """A canary, and the path of the field that contains it ("text", "raw.payload.data[0]", "error")."""

    canary: Canary
    where: str


class Mint:
    """Creates and recognises the canaries of one run; its only state is the run's secret."""

    def __init__(self, secret: bytes) -> None:
        """Take the run's secret of 32 bytes; raises ValueError for any other length."""
        if len(secret) != _SECRET_BYTES:
            raise ValueError(f"a run secret has {_SECRET_BYTES} bytes, not {len(secret)}")
        self._secret = secret
        self._remembered = lru_cache(_REMEMBERED_TEXTS)(self._found)
        self._made = lru_cache(_REMEMBERED_TEXTS)(self._make)

    def token(self, canary: Canary) -> str:
        """Return the canary's token: "zk" and 24 characters of a-z and 2-7, one word to any tokeniser."""
        return self._made(canary)

    def _make(self, canary: Canary) -> str:
        payload = canary.user.to_bytes(_USER_BYTES) + canary.fact.to_bytes(_FACT_BYTES)
        tag = self._mac(b"tag", payload)[:_TAG_BYTES]
        return _PREFIX + base64.b32encode(self._whiten(payload, tag) + tag).decode().lower()

    def read(self, token: str) -> Canary | None:
        """Return the canary of a token; None unless this run made exactly this token."""
        if not token.isascii() or len(token) != _TOKEN_LENGTH or not token.lower().startswith(_PREFIX):
            return None
        return self._decode(token[len(_PREFIX) :].upper())

    def find(self, text: str) -> list[Canary]:
        """Return the distinct canaries in a text, in order of appearance.

        Recognises any case, separators or invisible characters between the letters, full-width letters, URL,
        JSON and HTML escapes, and Base64 (page handles).
        """
        return [] if holds_none(text) else list(self._remembered(text))

    def _found(self, text: str) -> tuple[Canary, ...]:
        found: dict[Canary, None] = {}
        for variant in _variants(text):
            for match in _CANDIDATE.finditer(variant):
                canary = self._decode(_NOISE.sub("", match[1]).upper())
                if canary is not None:
                    found[canary] = None
        return tuple(found)

    def scan(self, value: object, where: str) -> list[Found]:
        """Return the canaries in every field of a value, recursively; `where` names the value itself.

        Reads text, bytes, mappings with their keys, sequences, sets, objects' attributes and slots, and
        exceptions with their causes and notes. Skips numbers, vectors, code and one-time iterators. Evaluates
        no property and never raises.
        """
        if type(value) is str:
            return [Found(canary, where) for canary in self.find(value)]
        found: dict[Found, None] = {}
        for text, path in _Walk().texts(value, where):
            found.update((Found(canary, path), None) for canary in self.find(text))
        return list(found)

    def _decode(self, body: str) -> Canary | None:
        try:
            data = base64.b32decode(body)
        except binascii.Error:
            return None
        tag = data[_PAYLOAD_BYTES:]
        payload = self._whiten(data[:_PAYLOAD_BYTES], tag)
        if not hmac.compare_digest(self._mac(b"tag", payload)[:_TAG_BYTES], tag):
            return None
        user = UserNumber(int.from_bytes(payload[:_USER_BYTES]))
        return Canary(user, int.from_bytes(payload[_USER_BYTES:]))

    def _whiten(self, payload: bytes, tag: bytes) -> bytes:
        # Otherwise neighbouring tokens share most letters, and near-duplicate detection would merge them.
        return bytes(a ^ b for a, b in zip(payload, self._mac(b"pad", tag), strict=False))

    def _mac(self, use: bytes, data: bytes) -> bytes:
        return hmac.digest(self._secret, use + data, hashlib.sha256)


def holds_none(text: str) -> bool:
    """Whether a text can't hold a canary, however it is decoded; False if that takes a search.

    Undoing an escape never makes an ASCII text longer, and a token in Base64 has 36 characters at least, of
    which `_BASE64` asks for 40. So a short text without escapes would show a token's first letters.
    """
    if not text.isascii():
        return False
    if len(text) < _TOKEN_LENGTH:
        return True
    if len(text) >= _SHORTEST_BASE64 or "\\" in text or "%" in text or "&" in text:
        return False
    lower = text.lower()
    return "z" not in lower or "k" not in lower


def _variants(text: str) -> Iterator[str]:
    """The text in lower case, and again with each kind of escaping undone."""
    seen: set[str] = set()
    for plain in (text, *_decoded(text)):
        for form in _unescaped(plain):
            lower = form.lower()
            if lower not in seen:
                seen.add(lower)
                yield lower


def _unescaped(text: str) -> Iterator[str]:
    yield text
    if "\\" in text:
        yield _JSON_ESCAPE.sub(_json_character, text)
    if "%" in text:
        yield unquote(unquote(text))
    if "&" in text:
        yield html.unescape(text)
    if not text.isascii():
        yield unicodedata.normalize("NFKC", text)


def _json_character(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else " "


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        run = match[0].replace("-", "+").replace("_", "/")
        with suppress(binascii.Error, UnicodeDecodeError):
            yield base64.b64decode(run + "=" * (-len(run) % 4)).decode()


class _Keyed(Protocol):
    def __getitem__(self, key: Any, /) -> object: ...


class _Walk:
    """One pass over a value: every text with its path, each object once."""

    def __init__(self) -> None:
        # The objects are kept alive, so that no id is reused during the pass.
        self._seen: dict[int, object] = {}

    def texts(self, value: object, where: str) -> Iterator[tuple[str, str]]:
        return ((leaf, path) for leaf, path in self.leaves(value, where) if isinstance(leaf, str))

    def leaves(self, value: object, where: str) -> Iterator[tuple[str | float, str]]:
        stack: list[tuple[object, str, int]] = [(value, where, 0)]
        while stack:
            item, path, depth = stack.pop()
            # A proxy may raise when its type is examined; then there is nothing to read.
            with suppress(Exception):
                text = _text(item)
                if text is not None:
                    yield text, path
                elif isinstance(item, int | float):
                    yield float(item), path
                elif self._enter(item, depth):
                    parts = [(part, path + step, depth + 1) for part, step in _parts(item)]
                    stack.extend(reversed(parts))

    def _enter(self, item: object, depth: int) -> bool:
        if isinstance(item, _PLAIN + _CODE) or id(item) in self._seen:
            return False
        self._seen[id(item)] = item
        return depth < _MAX_DEPTH and len(self._seen) <= _MAX_NODES


def leaves(value: object, where: str) -> Iterator[tuple[str | float, str]]:
    """Every text and number of a value with its path, as `Mint.scan` reads it; vectors are skipped."""
    return _Walk().leaves(value, where)


def _text(item: object) -> str | None:
    if isinstance(item, str):
        return str.__str__(item)
    if isinstance(item, bytes | bytearray):
        return bytes(item).decode(errors="replace")
    return None


def _parts(item: object) -> Iterator[tuple[object, str]]:
    """The parts of one object, each with its path step; a source that raises ends early."""
    for source in (_contents, _raised, _fields, _foreign):
        with suppress(Exception):
            yield from source(item)


def _contents(item: object) -> Iterator[tuple[object, str]]:
    if isinstance(item, memoryview):
        yield item.tobytes(), ""
    elif isinstance(item, Mapping):
        yield from _entries(item, item)
    elif isinstance(item, range):
        return
    elif isinstance(item, Sequence):
        if not all(issubclass(type(part), _PLAIN) for part in item):
            yield from ((part, f"[{index}]") for index, part in enumerate(item))
    elif isinstance(item, AbstractSet | ValuesView):
        yield from ((part, "[]") for part in item)


def _entries(item: _Keyed, keys: Iterable[object]) -> Iterator[tuple[object, str]]:
    for key in list(keys):
        # Other keys may be ids or names, which do not describe the field and change in each run.
        step = f".{key}" if isinstance(key, str) and _FIELD.fullmatch(key) else ".<key>"
        yield key, ".<key>"
        with suppress(Exception):
            yield item[key], step


def _raised(error: object) -> Iterator[tuple[object, str]]:
    if not isinstance(error, BaseException):
        return
    yield _printed(error), ""
    yield error.args, ".args"
    yield error.__cause__, ".__cause__"
    yield error.__context__, ".__context__"
    if isinstance(error, BaseExceptionGroup):
        yield error.exceptions, ".exceptions"


def _fields(item: object) -> Iterator[tuple[object, str]]:
    """Attributes, slots and members of compiled types; no properties, because they could fetch anything."""
    own = getattr(item, "__dict__", None)
    if isinstance(own, dict):
        fields = _own_data(own) if isinstance(item, BaseException) else own
        yield from _entries(fields, fields)
    if type(item).__module__ == "builtins":
        return
    for kind in type(item).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType):
                yield from _attribute(item, name, object)
            elif isinstance(member, types.GetSetDescriptorType) and not name.startswith("__"):
                # A compiled type may compute such a member anew each time (an array its transpose), which
                # would never end, so only plain data is read.
                yield from _attribute(item, name, (str, bytes, dict, list, tuple))


def _own_data(own: dict[str, object]) -> dict[str, object]:
    """An error's plain data, and the plain data of the objects in its fields.

    A client's error also refers to its connections, and through them to other users' requests.
    """
    plain = (str, bytes, bytearray, int, float, dict, list, tuple, set, frozenset)
    data: dict[str, object] = {}
    for name, value in own.items():
        carried = getattr(value, "__dict__", {})
        inside = {key: part for key, part in carried.items() if isinstance(part, plain)}
        data[name] = value if isinstance(value, plain) else inside
    return data


def _attribute(item: object, name: str, wanted: type | tuple[type, ...]) -> Iterator[tuple[object, str]]:
    # An unset slot raises, and any member of a compiled type may raise.
    with suppress(Exception):
        value = getattr(item, name)
        if isinstance(value, wanted):
            yield value, f".{name}"


def _foreign(item: Any) -> Iterator[tuple[object, str]]:
    """The content of tables, arrays, database rows and opaque objects, which have no readable fields."""
    kind = type(item)
    if isinstance(item, Mapping | Sequence | AbstractSet | BaseException | memoryview | Iterator):
        return
    if hasattr(kind, "dtype"):
        if getattr(item.dtype, "kind", "O") in "OSUTV":
            yield item.tolist(), ""
    elif hasattr(kind, "to_pylist"):
        yield item.to_pylist(), ""
    elif hasattr(kind, "iterrows"):
        yield item.to_dict("records"), ""
    elif hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        yield from _entries(item, item.keys())
    elif not hasattr(item, "__dict__"):
        yield _printed(item), ""


def _printed(item: object) -> str:
    # An object that can't be printed holds nothing to find.
    with suppress(Exception):
        return str(item)
    return ""
