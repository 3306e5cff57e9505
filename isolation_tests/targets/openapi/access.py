"""How a service is reached: its address, its credentials, and how each user signs in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from isolation_tests.adapters.described.openapi import Document
from isolation_tests.adapters.described.unasked import address
from isolation_tests.targets.openapi.answers import spelled
from isolation_tests.targets.openapi.operations import Operation, said
from isolation_tests.targets.openapi.schemas import Schemas
from isolation_tests.targets.openapi.words import SECRETS, TOKENS, USERS, best, plain, rank, words

__all__ = ["Access", "Base", "SignIn", "access", "base", "signs_in"]

_URL = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PREFIX = re.compile(r"['\"`](Token|Bearer|ApiKey|Api-Key|Key) ")
_HERE = ("127.0.0.1", "localhost", "::1")
_TRIAL = {"test", "testing", "staging", "stage", "sandbox", "dev", "development", "local", "demo"}
_SIGNING = {"login", "signin", "sign", "session", "sessions", "token", "auth", "authenticate"}
_BEARER = "bearer"
_VARIABLE_HEADERS = {"authorization", "api_key", "apikey", "api_token", "auth_token"}


@dataclass(frozen=True, slots=True)
class Base:
    """The service's address. url: None if the document has none. path: what it ends with. why: in words."""

    url: str | None
    why: str
    path: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignIn:
    """The request by which a user gets a credential. token: JMESPath; empty if it is a cookie."""

    operation: Operation
    body: Mapping[str, Any]
    token: str


@dataclass(frozen=True, slots=True)
class Access:
    """The credentials of requests. kind, name, token: as in a target's file. why: in words.

    headers, query: credentials besides, sent with every request. left: what is left to the user.
    """

    kind: str
    why: str
    name: str = ""
    token: str = ""
    sign_in: SignIn | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def base(document: Document, chosen: str | None) -> Base:
    """The address of the service: the user's own, or one of the document's, a trial system before others."""
    if chosen is not None:
        return Base(chosen, "as you said")
    listed = document.content.get("servers")
    servers = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    found = [(url, server) for server in servers if (url := address(server)) is not None]
    whole = [(url.rstrip("/"), server) for url, server in found if _URL.fullmatch(url) and "{" not in url]
    if not whole:
        path = urljoin("/", urlsplit(found[0][0]).path).rstrip("/") if found else ""
        return Base(None, "the document names no whole address", "" if "{" in path else path)
    url, server = min(whole, key=lambda pair: _caution(*pair))
    others = tuple(dict.fromkeys(other for other, _ in whole if other != url))
    told = said(server.get("description") or "")
    return Base(url, f"a server of the document{f' ({told})' if told else ''}", others=others[:5])


def _caution(url: str, server: Mapping[str, Any]) -> int:
    """How careful to be with a server: 0 on this machine, 1 for a trial system, 2 for any other."""
    if urlsplit(url).hostname in _HERE:
        return 0
    told = {*words(str(server.get("description") or "")), *words(urlsplit(url).netloc)}
    return 1 if told & _TRIAL else 2


def access(
    document: Document, operations: Sequence[Operation], schemas: Schemas, secret: str, *, anonymous: bool
) -> Access:
    """The credentials that the operations need, and how each user signs in if nothing else names the user.

    operations: those of the mapping first. secret: the environment variable. anonymous: whether no request
    names the user.
    """
    found = _required(document, operations[0], secret) if operations else Access("none", "nothing is mapped")
    signing = _sign_in(operations, schemas, secret) if anonymous else None
    if signing is None:
        return found
    why = f"each user signs in with {signing.operation}"
    if found.kind in ("header", "cookie") and found.name:
        return Access(found.kind, why, found.name, sign_in=signing, headers=found.headers, left=found.left)
    return Access(_BEARER, why, sign_in=signing, headers=found.headers, left=found.left)


def _required(document: Document, operation: Operation, secret: str) -> Access:
    components = document.content.get("components")
    listed = components.get("securitySchemes") if isinstance(components, dict) else None
    schemes = (
        {name: document.resolved(raw) for name, raw in listed.items()} if isinstance(listed, dict) else {}
    )
    due = operation.security
    wanted = [each for each in due if isinstance(each, dict) and each] if isinstance(due, list) else []
    if not wanted:
        return _by_header(operation, secret) or _not_required(schemes)
    ways = [_together(each, schemes, secret) for each in wanted]
    return next((way for way in ways if way.kind != "none" or way.query), ways[0])


def _not_required(schemes: Mapping[str, Any]) -> Access:
    named = ", ".join(map(said, schemes))
    left = (f"[options.auth]: the document describes {named} and requires it nowhere",) if named else ()
    return Access("none", "the document requires no credential", left=left)


def _by_header(operation: Operation, secret: str) -> Access | None:
    """A credential that the document describes as an ordinary header; None if there is none."""
    names = (
        each.name for each in operation.parameters if each.where == "header" and _HEADER.fullmatch(each.name)
    )
    name = next((name for name in names if plain(name) in _VARIABLE_HEADERS), None)
    if name is None:
        return None
    why = f"the header {name} of {operation}"
    if plain(name) == "authorization":
        return Access(_BEARER, why, token=f"${{{secret}}}")
    return Access("header", why, name, f"${{{secret}}}")


def _together(names: Mapping[str, Any], schemes: Mapping[str, Mapping[str, Any]], secret: str) -> Access:
    """All schemes of one requirement: the first one as the credential, others beside it."""
    if len(schemes) == 1:
        # Documents name schemes that they do not describe, after the one that they do was renamed.
        names = schemes
    parts = [_scheme(name, schemes.get(name, {}), secret) for name in names]
    known = [part for part in parts if part.kind != "none"]
    first = known[0] if known else parts[0]
    beside = [part for part in known[1:] if part.kind == "header"]
    left = [line for part in parts for line in part.left]
    left += [f"[options.auth]: {part.why} is needed besides" for part in known[1:] if part.kind != "header"]
    return Access(
        first.kind,
        first.why,
        first.name,
        first.token,
        headers={part.name: f"${{{secret}_{number}}}" for number, part in enumerate(beside, 2)},
        query={name: value for part in parts for name, value in part.query.items()},
        left=tuple(left),
    )


def _scheme(name: str, scheme: Mapping[str, Any], secret: str) -> Access:
    kind, why, token = scheme.get("type"), f"security scheme {said(name)}", f"${{{secret}}}"
    form = str(scheme.get("scheme") or "").lower()
    if kind == "http" and form == "basic":
        left = (f"{secret}: set it to the base64 of USER:PASSWORD",)
        return Access("header", why, "Authorization", f"Basic {token}", left=left)
    if kind == "http":
        return Access(_BEARER, why, token=token)
    if kind in ("oauth2", "openIdConnect"):
        return Access(
            _BEARER, why, token=token, left=(f"{secret}: set it to a token; the suite gets none itself",)
        )
    header, where = str(scheme.get("name") or ""), scheme.get("in")
    if kind == "apiKey" and where == "query" and header:
        return Access("none", f"{why}, in the query of each request", query={header: token})
    if kind == "apiKey" and where in ("header", "cookie") and _HEADER.fullmatch(header):
        word = _PREFIX.search(str(scheme.get("description") or ""))
        if header.lower() == "authorization" and word:
            return Access(where, why, header, f"{word[1]} {token}")
        if header.lower() == "authorization":
            left = (f'options.auth.token: if the service wants a word before the key, write "WORD {token}"',)
            return Access(where, why, header, token, left=left)
        return Access(where, why, header, token)
    return Access("none", why, left=(f"[options.auth]: the security scheme {said(name)} can't be sent",))


def signs_in(operation: Operation) -> bool:
    """Whether an operation could be one by which a user gets a credential."""
    return operation.route.method == "POST" and bool(_SIGNING & (operation.path_words | operation.name_words))


def _sign_in(operations: Sequence[Operation], schemas: Schemas, secret: str) -> SignIn | None:
    """The operation by which a user signs in; None if there is none."""
    return next(_signing(operations, schemas, secret), None)


def _signing(operations: Sequence[Operation], schemas: Schemas, secret: str) -> Iterator[SignIn]:
    for operation in operations:
        if not signs_in(operation):
            continue
        if operation.body is None or operation.answer is None or "{" in operation.route.path:
            continue
        names = [name for name, _ in schemas.fields(operation.body)]
        user = next((found for family in USERS if (found := best(names, (*family, "name", "email")))), None)
        tokens = schemas.paths(
            operation.answer, lambda name, schema: schema.kind == "string" and rank(name, TOKENS) is not None
        )
        token = min(((rank(way[-1], TOKENS), way) for way, _ in tokens), default=None)
        if user is None or token is None:
            continue
        hidden = [name for name in names if rank(name, SECRETS) is not None]
        body = {user: "{user}", **dict.fromkeys(hidden[:1], f"${{{secret}}}")}
        yield SignIn(operation, body, spelled(token[1]))
