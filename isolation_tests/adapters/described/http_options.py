"""The options by which a target's file describes an HTTP service, and what they become at open.

Each operation is one request: `method`, `path`, `query`, `headers`, `json`, with placeholders for what the
call brings. Where the answer holds the memories is said in JMESPath.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from isolation_tests.adapter import BadOption
from isolation_tests.adapters.described.mapping import (
    ABSENT,
    Absent,
    Expression,
    Reader,
    Shape,
    Template,
    expression,
    shape,
    slots,
    template,
)
from isolation_tests.model import Frozen

__all__ = ["Auth", "Call", "HttpOptions", "Mapped", "Paging", "mapped"]

EXTRA = "http"
REFUSED = (400, 401, 403, 404, 409, 410, 413, 414, 422, 431)
_NAMED = ("add", "search", "get_all", "delete_all", "count", "page", "export", "maintain")
_PLACEHOLDERS = {
    "add": {"user", "text", "metadata", "key"},
    "search": {"user", "query", "limit", "filters"},
    "get_all": {"user", "cursor", "filters"},
    "export": {"user", "cursor"},
    "page": {"user", "cursor"},
    "get": {"user", "id"},
    "delete": {"user", "id"},
    "history": {"user", "id"},
    "update": {"user", "id", "text", "metadata"},
}
_NEEDED = {
    "add": "text",
    "search": "query",
    "get": "id",
    "delete": "id",
    "history": "id",
    "update": "id",
    "page": "cursor",
}
# Their answer is mostly the memory itself, not a list.
_ALONE = ("options.add", "options.get")
_SECRET_HEADER = re.compile(r"auth|cookie|key|token|secret", re.IGNORECASE)
Status = Annotated[int, Field(ge=300, le=499)]


class _Request(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    query: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = Field(default=ABSENT, alias="json")

    @field_validator("method", mode="before")
    @classmethod
    def _in_capitals(cls, method: object) -> object:
        return method.upper() if isinstance(method, str) else method

    @field_validator("path")
    @classmethod
    def _begins_with_a_slash(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError(f"a path begins with a slash: write /{path}")
        if "?" in path:
            raise ValueError("a path holds no question mark: write what follows it as the table query")
        return path


class _Plain(_Request):
    """A call whose answer does not matter."""


class _Rows(_Request):
    items: str | None = None
    id: str | None = None
    text: str | None = None
    beside: str | None = None


class _Paging(Frozen):
    """How to go on to the next page, to the end.

    kind: "cursor" (`next` finds it in the answer, `{cursor}` sends it), "page" (`{cursor}` is the page's
    number, from `first`), "offset" (`{cursor}` is the number of memories so far), or "link" (the next page's
    address, by `next`, or else in the header Link).
    """

    kind: Literal["cursor", "page", "offset", "link"]
    next: str | None = None
    first: int = 1


class _Listing(_Rows):
    paging: _Paging | None = None


class _Counting(_Request):
    total: str = "total"


class _SignIn(_Request):
    """The call by which a user gets a credential.

    token: where the answer has it; None: it is the cookie `options.auth.name`.
    """

    token: str | None = None


class _Auth(Frozen):
    """How a request shows who makes it.

    kind: how the credential travels. name: of the header or the cookie. token: the credential, from an
    environment variable; with `sign_in`, `{token}` stands for what the user got.
    """

    kind: Literal["none", "bearer", "header", "cookie"] = "none"
    name: str | None = None
    token: str | None = None
    sign_in: _SignIn | None = None


class _Answer(Frozen):
    items: str = "@"
    id: str = "id"
    text: str = "text"


class _Intrude(Frozen):
    """The fields by which a request could name another user, and a sign-in whose credential has run out."""

    query: str | None = None
    header: str | None = None
    body: str | None = None
    expired: _SignIn | None = None


class HttpOptions(Frozen):
    """A service: where it is, how users show who they are, and one request for each operation.

    refused: statuses by which the service says no. timeout_seconds: of each request. retries: how often a
    request is repeated that the service asks to repeat. answer: where lists have memories, unless an
    operation says otherwise; an empty text means that there is none.
    """

    base_url: str
    headers: dict[str, str] = Field(default_factory=dict)
    auth: _Auth = _Auth()
    answer: _Answer = _Answer()
    add: _Rows
    search: _Rows
    get_all: _Listing
    delete_all: _Plain
    get: _Rows | None = None
    update: _Plain | None = None
    delete: _Plain | None = None
    history: _Rows | None = None
    count: _Counting | None = None
    page: _Listing | None = None
    export: _Listing | None = None
    maintain: _Plain | None = None
    refused: tuple[Status, ...] = REFUSED
    timeout_seconds: float = Field(default=20.0, gt=0)
    retries: int = Field(default=3, ge=0, le=20)
    intrude: _Intrude = _Intrude()


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list goes on: see `kind` of the file's table."""

    kind: str
    next: Expression | None
    first: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request with slots, and how to read its answer. option: its table in the file."""

    option: str
    method: str
    path: Template
    query: Shape
    headers: Shape
    body: Shape | Absent
    reader: Reader
    total: Expression
    paging: Paging | None = None

    def slots(self) -> set[str]:
        """The placeholders of the request."""
        return slots(self.path, self.query, self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Auth:
    """How a request shows who makes it. token: the credential, with a slot for the user's or the user."""

    kind: str
    name: str
    token: Template
    sign_in: Call | None = None
    found: Expression | None = None
    expired: Call | None = None
    expired_found: Expression | None = None

    @property
    def of_user(self) -> bool:
        """Whether the credential tells users apart."""
        return bool(self.sign_in) or "user" in slots(self.token)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A service's description, checked and compiled. calls: by the operation's name."""

    base_url: str
    headers: Shape
    auth: Auth
    calls: Mapping[str, Call]
    options: HttpOptions


def mapped(options: HttpOptions) -> Mapped:
    """The description, each expression and placeholder checked; raises `BadOption` on the first bad one."""
    calls = {name: _call(name, options) for name in _operations() if getattr(options, name) is not None}
    headers = _headers(options.headers, {"user"}, "options.headers")
    auth = _auth(options)
    for name, call in calls.items():
        _fits(name, call, named=auth.of_user or "user" in slots(headers))
    return Mapped(_base_url(options.base_url), headers, auth, calls, options)


def _operations() -> list[str]:
    return [*_NAMED, *(name for name in _PLACEHOLDERS if name not in _NAMED)]


def _base_url(text: str) -> str:
    url = template(text, (), "options.base_url").text({}).rstrip("/")
    if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", url):
        raise BadOption(
            f"options.base_url is {url!r}, which is no address; write one such as https://memory.example.com/v1."
        )
    return url


def _call(name: str, options: HttpOptions) -> Call:
    return _request(
        f"options.{name}", getattr(options, name), _PLACEHOLDERS.get(name, {"user"}), options.answer
    )


def _request(option: str, request: _Request, names: Collection[str], answer: _Answer) -> Call:
    paging = getattr(request, "paging", None)
    return Call(
        option,
        request.method,
        template(request.path, names, f"{option}.path"),
        shape(request.query, names, f"{option}.query"),
        _headers(request.headers, names, f"{option}.headers"),
        ABSENT if request.body is ABSENT else shape(request.body, names, f"{option}.json"),
        _reader(option, request, answer),
        expression(getattr(request, "total", "total"), f"{option}.total", EXTRA),
        None if paging is None else _paging(option, paging),
    )


def _headers(headers: Mapping[str, str], names: Collection[str], option: str) -> Shape:
    for name, value in headers.items():
        if _SECRET_HEADER.search(name):
            _no_literal(value, f"{option}.{name}")
    return shape(headers, names, option)


def _no_literal(value: str, option: str) -> None:
    if not re.search(r"\{\w+\}", value):
        raise BadOption(
            f"{option} holds a secret in the file itself; put it into an environment variable and write "
            '"${NAME}" here, with the name of the variable.'
        )


def _reader(option: str, request: _Request, answer: _Answer) -> Reader:
    alone, adds = option in _ALONE, option == "options.add"

    def written(key: str) -> tuple[str, str]:
        own = getattr(request, key, None)
        if own is not None:
            return own, f"{option}.{key}"
        if alone and key == "items":
            return "@", f"{option}.{key}"
        return getattr(answer, key, ""), f"options.answer.{key}"

    def needed(key: str) -> Expression:
        text, place = written(key)
        if not text:
            raise BadOption(f"{place} is empty; write where the answer has the {key}, in JMESPath.")
        return expression(text, place, EXTRA)

    def wanted(key: str) -> Expression | None:
        return needed(key) if written(key)[0] else None

    items = wanted("items") if adds else needed("items")
    return Reader(items, wanted("id"), needed("text"), wanted("beside"), sent=adds)


def _paging(option: str, paging: _Paging) -> Paging:
    place = f"{option}.paging"
    if paging.kind == "cursor" and not paging.next:
        raise BadOption(f"{place}.next is missing; write where the answer has the next cursor, in JMESPath.")
    following = expression(paging.next, f"{place}.next", EXTRA) if paging.next else None
    return Paging(paging.kind, following, paging.first)


def _auth(options: HttpOptions) -> Auth:
    auth, place = options.auth, "options.auth"
    if auth.kind == "none":
        if auth.sign_in or auth.token:
            raise BadOption(
                f"{place}.kind is missing; write how the token travels: bearer, header or cookie."
            )
        return Auth("none", "", Template(("",)))
    if auth.kind != "bearer" and not auth.name:
        raise BadOption(f"{place}.name is missing; write the name of the {auth.kind}.")
    token = auth.token or ("{token}" if auth.sign_in else "")
    if not token:
        raise BadOption(f'{place}.token is missing; write "${{NAME}}", or a table [{place}.sign_in].')
    _no_literal(token, f"{place}.token")
    shown = template(token, {"user", "token"} if auth.sign_in else {"user"}, f"{place}.token")
    signing = _sign_in(f"{place}.sign_in", auth.sign_in, options)
    expired = _sign_in("options.intrude.expired", options.intrude.expired, options)
    return Auth(auth.kind, auth.name or "", shown, *signing, *expired)


def _sign_in(
    option: str, request: _SignIn | None, options: HttpOptions
) -> tuple[Call | None, Expression | None]:
    if request is None:
        return None, None
    if not request.token and options.auth.kind != "cookie":
        raise BadOption(f"{option}.token is missing; write where the answer has the token, in JMESPath.")
    for key, value in request.body.items() if isinstance(request.body, dict) else ():
        if isinstance(value, str) and re.search(r"passw|secret|api_?key|token", key, re.IGNORECASE):
            _no_literal(value, f"{option}.json.{key}")
    found = expression(request.token, f"{option}.token", EXTRA) if request.token else None
    return _request(option, request, {"user"}, options.answer), found


def _fits(name: str, call: Call, *, named: bool) -> None:
    """Raise `BadOption` where a request leaves out what it is for."""
    there = call.slots()
    needed = {_NEEDED[name]} if name in _NEEDED else set[str]()
    needed |= {"text"} if name == "update" else set()
    if call.paging and call.paging.kind != "link":
        needed.add("cursor")
    for slot in sorted(needed - there):
        raise BadOption(f"{call.option} sends no {{{slot}}}; put it into its path, query, headers or json.")
    if name in _NAMED and not named and "user" not in there:
        raise BadOption(
            f"{call.option} names no user; put {{user}} into its path, query, headers or json, or say in "
            "[options.auth.sign_in] how each user signs in."
        )
    if name == "page" and call.paging and call.paging.kind != "cursor":
        raise BadOption(f'{call.option}.paging.kind must be "cursor": a page is asked for by its handle.')
    if "cursor" in there and call.paging is None:
        raise BadOption(f'{call.option}.paging is missing; say how {{cursor}} is found, as in kind = "page".')
