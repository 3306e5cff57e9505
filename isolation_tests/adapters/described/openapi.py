"""OpenAPI documents: reads one within bounds, follows its local references, and lists its routes.

Nothing is fetched: a reference that leads out of the file is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from isolation_tests.adapters.resources import need
from isolation_tests.core.bounded import MOST_DEPTH, TooDeep, parsed, read_file
from isolation_tests.core.inert import inert

__all__ = ["BadDocument", "Document", "Route", "in_line", "read_document"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_BYTES = 4_000_000
_MOST_HOPS = 50
_MOST_SHOWN = 300
_EXTRA = "http"
_TEXT = "tag:yaml.org,2002:str"
# The core schema of YAML 1.2. YAML 1.1 would read the key `on` as true and a date as no text.
_SCALARS = (
    ("null", r"~|null|", "~n"),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+(\.[0-9]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", "-+0123456789"),
)


def in_line(text: str, most: int = _MOST_SHOWN) -> str:
    """The beginning of a text in one line that is safe to show."""
    return " ".join(inert(text, most).split())


class BadDocument(ValueError):  # noqa: N818 - what the file is
    """A file is no OpenAPI document that is read here; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. item, operation: the document's objects about the path and about the method."""

    method: str
    path: str
    item: Mapping[str, Any]
    operation: Mapping[str, Any]

    def __str__(self) -> str:
        return in_line(f"{self.method} {self.path}")


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read. shown: the file's name, safe to show."""

    shown: str
    content: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The version of OpenAPI, such as "3.1.0"."""
        return str(self.content["openapi"])

    def resolved(self, part: object) -> dict[str, Any]:
        """An object with its local reference followed; empty if it is none, or if that leads nowhere.

        What stands beside a reference is kept.
        """
        beside: dict[str, Any] = {}
        for _ in range(_MOST_HOPS):
            if not isinstance(part, dict):
                return {}
            reference = part.get("$ref")
            if not isinstance(reference, str):
                return {**part, **beside}
            beside = {**{key: value for key, value in part.items() if key != "$ref"}, **beside}
            part = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        """The part of the document that a reference names; None if there is none."""
        if not reference.startswith("#/"):
            return None
        found: object = self.content
        for step in reference[2:].split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and re.fullmatch(r"[0-9]{1,6}", key) and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict):
                found = found.get(key)
            else:
                return None
        return found

    def routes(self) -> Iterator[Route]:
        """Every method of every path, in the document's order; raises `BadDocument` for a damaged one."""
        paths = self.content.get("paths", {})
        if not isinstance(paths, dict):
            raise BadDocument(f"{self.shown}: paths must be an object of paths; correct the document.")
        for path, given in paths.items():
            if path.startswith("x-"):
                continue
            place = f"{self.shown}: paths.{in_line(path)}"
            if not path.startswith("/"):
                raise BadDocument(f"{place} is not a path: it begins with no slash; correct the document.")
            if not isinstance(given, dict):
                raise BadDocument(f"{place} must be an object of methods; correct the document.")
            item = self.resolved(given)
            for method in METHODS:
                operation = item.get(method)
                if operation is None:
                    continue
                if not isinstance(operation, dict):
                    raise BadDocument(f"{place}.{method} must be an object; correct the document.")
                yield Route(method.upper(), path, item, operation)

    def unfollowed(self) -> list[str]:
        """The references that lead out of the file or nowhere, sorted."""
        found: set[str] = set()
        known: set[int] = set()
        left: list[object] = [self.content]
        while left:
            part = left.pop()
            # Aliases of YAML can share one part among many, or put it into itself.
            if id(part) in known or not isinstance(part, dict | list):
                continue
            known.add(id(part))
            left += part.values() if isinstance(part, dict) else part
            reference = part.get("$ref") if isinstance(part, dict) else None
            if isinstance(reference, str) and self._at(reference) is None:
                found.add(reference)
        return sorted(found)


def read_document(path: Path) -> Document:
    """Read an OpenAPI document of version 3.0 or 3.1, in JSON or YAML; raises `BadDocument` if it is none.

    ModuleNotFoundError names the extra that reads YAML.
    """
    shown = inert(str(path), _MOST_SHOWN)
    try:
        about = path.stat()
        return _read(path.absolute(), about.st_mtime_ns, about.st_size, shown)
    except FileNotFoundError as error:
        raise BadDocument(f"There is no file {shown}; check the path.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, BadDocument):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise BadDocument(f"{shown} can't be read: {why}.") from error


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int, shown: str) -> Document:
    """The document, read once for each state of the file: a run opens its target many times."""
    raw = read_file(path, _MOST_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDocument(f"{shown} is not UTF-8 text: {error.reason}. Save it as UTF-8.") from error
    content = _content(text, shown)
    if not isinstance(content, dict):
        raise BadDocument(f"{shown} holds no object, so it is no OpenAPI document; name another file.")
    _require_version(content, shown)
    document = Document(shown, content)
    if not any(True for _ in document.routes()):
        raise BadDocument(f"{shown} describes no paths, so there is nothing to ask; name another document.")
    return document


def _content(text: str, shown: str) -> Any:
    is_json = text.lstrip().startswith("{")
    try:
        return parsed(text) if is_json else _yaml(text)
    except (TooDeep, RecursionError) as error:
        raise BadDocument(
            f"{shown} has more than {MOST_DEPTH} lists and objects within each other; flatten it."
        ) from error
    except ValueError as error:
        form = "JSON" if is_json else "YAML"
        told = in_line(str(error)).rstrip(".")
        raise BadDocument(f"{shown} is not valid {form}: {told}. Fix it and try again.") from error


def _require_version(content: Mapping[str, Any], shown: str) -> None:
    if "swagger" in content:
        raise BadDocument(
            f"{shown} is Swagger {in_line(str(content['swagger']), 20)}; convert it to OpenAPI 3 first, for "
            "example with swagger2openapi."
        )
    version = content.get("openapi")
    if version is None:
        raise BadDocument(f"{shown} has no key openapi, so it is no OpenAPI document; name another file.")
    if not re.fullmatch(r"3\.[01](\..*)?", str(version)):
        raise BadDocument(
            f"{shown} is of OpenAPI {in_line(str(version), 20)}; only 3.0 and 3.1 are read, so convert it."
        )


def _yaml(text: str) -> Any:
    """The value of a YAML text; raises ValueError if it is none that is read here."""
    yaml = need("yaml", _EXTRA)
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _require_simple(yaml, text, base)
        return yaml.load(text, Loader=_loader(base))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _require_simple(yaml: Any, text: str, base: Any) -> None:
    """Raise `TooDeep` for too deep a text, and ValueError for merge keys, which can grow without end."""
    depth = 0
    for event in yaml.parse(text, Loader=base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<":
            raise ValueError("merge keys (<<) are not read; write their keys out")
        if depth > MOST_DEPTH:
            raise TooDeep


def _loader(base: Any) -> Any:
    def construct_mapping(self: Any, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - as PyYAML calls it
        for key, _ in node.value:
            if key.id == "scalar":
                key.tag = _TEXT  # 200 is a key of an object, as in JSON
        return base.construct_mapping(self, node, deep=deep)

    loader: Any = type(
        "Core", (base,), {"construct_mapping": construct_mapping, "yaml_implicit_resolvers": {}}
    )
    for name, form, first in _SCALARS:
        tag = f"tag:yaml.org,2002:{name}"
        loader.add_implicit_resolver(
            tag, re.compile(rf"(?:{form})\Z"), [*first, ""] if name == "null" else [*first]
        )
    return loader
