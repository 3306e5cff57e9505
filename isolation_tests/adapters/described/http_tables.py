"""The tables of a target's file that describes an HTTP service, with the meaning of each key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from isolation_tests.adapters.described.mapping import ABSENT
from isolation_tests.model import Frozen

__all__ = [
    "AnswerTable",
    "AuthTable",
    "HttpOptions",
    "PagingTable",
    "RequestTable",
    "SignInTable",
]

REFUSED = (400, 401, 403, 404, 409, 410, 413, 414, 422, 431)

Status = Annotated[int, Field(ge=300, le=499)]


class RequestTable(Frozen):
    """One request. Its texts may hold placeholders such as `{user}` and variables such as `${NAME}`."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    """The HTTP method."""

    path: str
    """The path below `base_url`; it begins with a slash."""

    query: dict[str, Any] = Field(default_factory=dict)
    """The parameters of the query string."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of this request, in addition to those of the service."""

    body: Any = Field(default=ABSENT, alias="json")
    """The JSON body."""

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
            raise ValueError("a path has no question mark: write the parameters in the table query")
        return path


class PlainTable(RequestTable):
    """A request whose answer is ignored."""


class RowsTable(RequestTable):
    """A request whose answer holds memories."""

    items: str | None = None
    """JMESPath to the list of memories, if it differs from `answer.items`.

    For add, an empty text means that the answer holds no memories.
    """

    id: str | None = None
    """JMESPath to a memory's id, if it differs from `answer.id`."""

    text: str | None = None
    """JMESPath to a memory's text, if it differs from `answer.text`."""

    beside: str | None = None
    """JMESPath to other parts of the answer that hold what users said, such as a graph's relations."""


class PagingTable(Frozen):
    """How to reach the next page."""

    kind: Literal["cursor", "page", "offset", "link"]
    """Where the next page comes from.

    "cursor": `next` finds the cursor in the answer, and `{cursor}` sends it. "page": `{cursor}` is the page's
    number. "offset": `{cursor}` is the number of memories so far. "link": `next`, or the header Link, has the
    next page's address.
    """

    next: str | None = None
    """JMESPath to the next page's cursor or address in the answer."""

    first: int = 1
    """For "page": the number of the first page."""


class ListingTable(RowsTable):
    """A request that lists memories, page by page if need be."""

    paging: PagingTable | None = None
    """How to reach the next page; without it, the answer is the whole list."""


class CountingTable(RequestTable):
    """A request for the number of a user's memories."""

    total: str = "total"
    """JMESPath to the number in the answer."""


class SignInTable(RequestTable):
    """The request by which a user gets a credential."""

    token: str | None = None
    """JMESPath to the token in the answer; without it, the token is the cookie `options.auth.name`."""


class AuthTable(Frozen):
    """How a request is authenticated."""

    kind: Literal["none", "bearer", "header", "cookie"] = "none"
    """How the credential is sent."""

    name: str | None = None
    """Name of the header or cookie."""

    token: str | None = None
    """The credential, from an environment variable.

    With `sign_in`, `{token}` in it stands for the user's own token.
    """

    sign_in: SignInTable | None = None
    """How each user signs in."""


class AnswerTable(Frozen):
    """Where answers hold memories, unless an operation says otherwise."""

    items: str = "@"
    """JMESPath to the list of memories."""

    id: str = "id"
    """JMESPath to a memory's id; an empty text means that there are no ids."""

    text: str = "text"
    """JMESPath to a memory's text."""


class IntrudeTable(Frozen):
    """How a request could try to read another user's memories."""

    query: str | None = None
    """Query parameter that could name another user."""

    header: str | None = None
    """Header that could name another user."""

    body: str | None = None
    """Field of the JSON body that could name another user."""

    expired: SignInTable | None = None
    """A sign-in that gives an expired credential."""


class HttpOptions(Frozen):
    """An HTTP service: its address, its authentication, and one request for each operation."""

    base_url: str
    """Address of the service."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of every request."""

    auth: AuthTable = AuthTable()
    """The credentials of requests; without them, requests have none."""

    answer: AnswerTable = AnswerTable()
    """Where answers hold memories."""

    add: RowsTable
    """Stores a text."""

    search: RowsTable
    """Searches a user's memories."""

    get_all: ListingTable
    """Lists a user's memories."""

    delete_all: PlainTable
    """Deletes all of a user's memories."""

    get: RowsTable | None = None
    """Reads one memory by its id."""

    update: PlainTable | None = None
    """Replaces the text of one memory."""

    delete: PlainTable | None = None
    """Deletes one memory."""

    history: RowsTable | None = None
    """Reads the versions of one memory."""

    count: CountingTable | None = None
    """Counts a user's memories."""

    page: ListingTable | None = None
    """Reads one page of a user's memories."""

    export: ListingTable | None = None
    """Exports a user's memories."""

    maintain: PlainTable | None = None
    """Runs the maintenance that the service offers for one user."""

    refused: tuple[Status, ...] = REFUSED
    """HTTP statuses that mean a refusal."""

    timeout_seconds: float = Field(default=20.0, gt=0)
    """Seconds after which a request times out."""

    retries: int = Field(default=3, ge=0, le=20)
    """How often a request is repeated if the service asks for it."""

    openapi: str | None = None
    """Path of the service's OpenAPI document, relative to this file.

    A run names the routes in it that no operation asks.
    """

    intrude: IntrudeTable = IntrudeTable()
    """The ways in that the suite tries for an intruder."""
