"""Checks and compiles the description of an HTTP service in a target's file.

Each operation is one request: `method`, `path`, `query`, `headers` and `json`, with placeholders for the
call's values. JMESPath expressions say where an answer holds the memories.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from isolation_tests.adapter import BadOption
from isolation_tests.adapters.described.http_tables import (
    AnswerTable,
    HttpOptions,
    PagingTable,
    RequestTable,
    SignInTable,
)
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

__all__ = ["Auth", "Call", "HttpOptions", "Mapped", "Paging", "mapped"]

EXTRA = "http"
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
# Their answer is usually the memory itself, not a list.
_ALONE = ("options.add", "options.get")
_SECRET_HEADER = re.compile(r"auth|cookie|key|token|secret", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """How to reach the next page, compiled from a `PagingTable`."""

    kind: str
    next: Expression | None
    first: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request with slots, and how to read its answer. option: the key of its table in the file."""

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
    """How a request is authenticated. token: the credential, with a slot for the user's token or the user."""

    kind: str
    name: str
    token: Template
    sign_in: Call | None = None
    found: Expression | None = None
    expired: Call | None = None
    expired_found: Expression | None = None

    @property
    def of_user(self) -> bool:
        """Whether each user has their own credential."""
        return bool(self.sign_in) or "user" in slots(self.token)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A service's description, checked and compiled. calls: by the name of the operation."""

    base_url: str
    headers: Shape
    auth: Auth
    calls: Mapping[str, Call]
    options: HttpOptions


def mapped(options: HttpOptions) -> Mapped:
    """Check and compile a description; raises `BadOption` for the first bad expression or placeholder."""
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
            f"options.base_url is {url!r}; write an address such as https://memory.example.com/v1."
        )
    return url


def _call(name: str, options: HttpOptions) -> Call:
    return _request(
        f"options.{name}", getattr(options, name), _PLACEHOLDERS.get(name, {"user"}), options.answer
    )


def _request(option: str, request: RequestTable, names: Collection[str], answer: AnswerTable) -> Call:
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
            f"{option} contains a secret; put it into an environment variable and write "
            '"${NAME}" here, with the name of the variable.'
        )


def _reader(option: str, request: RequestTable, answer: AnswerTable) -> Reader:
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
            raise BadOption(f"{place} is empty; write a JMESPath to the {key} in the answer.")
        return expression(text, place, EXTRA)

    def wanted(key: str) -> Expression | None:
        return needed(key) if written(key)[0] else None

    items = wanted("items") if adds else needed("items")
    return Reader(items, wanted("id"), needed("text"), wanted("beside"), sent=adds)


def _paging(option: str, paging: PagingTable) -> Paging:
    place = f"{option}.paging"
    if paging.kind == "cursor" and not paging.next:
        raise BadOption(f"{place}.next is missing; write a JMESPath to the next cursor in the answer.")
    following = expression(paging.next, f"{place}.next", EXTRA) if paging.next else None
    return Paging(paging.kind, following, paging.first)


def _auth(options: HttpOptions) -> Auth:
    auth, place = options.auth, "options.auth"
    if auth.kind == "none":
        if auth.sign_in or auth.token:
            raise BadOption(
                f"{place}.kind is missing; write how the token is sent: bearer, header or cookie."
            )
        return Auth("none", "", Template(("",)))
    if auth.kind != "bearer" and not auth.name:
        raise BadOption(f"{place}.name is missing; write the name of the {auth.kind}.")
    token = auth.token or ("{token}" if auth.sign_in else "")
    if not token:
        raise BadOption(f'{place}.token is missing; write "${{NAME}}", or add a table [{place}.sign_in].')
    _no_literal(token, f"{place}.token")
    shown = template(token, {"user", "token"} if auth.sign_in else {"user"}, f"{place}.token")
    signing = _sign_in(f"{place}.sign_in", auth.sign_in, options)
    expired = _sign_in("options.intrude.expired", options.intrude.expired, options)
    return Auth(auth.kind, auth.name or "", shown, *signing, *expired)


def _sign_in(
    option: str, request: SignInTable | None, options: HttpOptions
) -> tuple[Call | None, Expression | None]:
    if request is None:
        return None, None
    if not request.token and options.auth.kind != "cookie":
        raise BadOption(f"{option}.token is missing; write a JMESPath to the token in the answer.")
    for key, value in request.body.items() if isinstance(request.body, dict) else ():
        if isinstance(value, str) and re.search(r"passw|secret|api_?key|token", key, re.IGNORECASE):
            _no_literal(value, f"{option}.json.{key}")
    found = expression(request.token, f"{option}.token", EXTRA) if request.token else None
    return _request(option, request, {"user"}, options.answer), found


def _fits(name: str, call: Call, *, named: bool) -> None:
    """Raise `BadOption` if a request does not send a value that it needs."""
    there = call.slots()
    needed = {_NEEDED[name]} if name in _NEEDED else set[str]()
    needed |= {"text"} if name == "update" else set()
    if call.paging and call.paging.kind != "link":
        needed.add("cursor")
    for slot in sorted(needed - there):
        raise BadOption(f"{call.option} does not send {{{slot}}}; put it into path, query, headers or json.")
    if name in _NAMED and not named and "user" not in there:
        raise BadOption(
            f"{call.option} does not send {{user}}; put it into path, query, headers or json, or describe in "
            "[options.auth.sign_in] how each user signs in."
        )
    if name == "page" and call.paging and call.paging.kind != "cursor":
        raise BadOption(f'{call.option}.paging.kind must be "cursor", because a page is read by its cursor.')
    if "cursor" in there and call.paging is None:
        raise BadOption(f'{call.option}.paging is missing; say where {{cursor}} comes from: kind = "page".')
