"""The tutorial's application server over HTTP: a session token for each user, one connection for all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from isolation_tests.adapter import BadOption, Indeterminate, Memory, Page, Refused, Unavailable
from isolation_tests.adapters.resources import local_server, need, require
from isolation_tests.core import packaged

__all__ = ["AppServer", "open_memory"]

_EXTRA = "staging"
_PROBE = "isolation-tests"
_DEMO_SECRET = "demo"  # noqa: S105 - the server's documented default
_LIMIT_SECONDS = 30.0
# Shorter than the server's own limit: a connection that the server is closing would look like a lost call.
_KEEP_SECONDS = 2.0
_BUSY, _SERVER_ERROR = 429, 500
_REFUSED = (401, 403, 404, 422)
_TURNS = 5
_LONGEST_PAUSE_SECONDS = 10.0
_QUERY = "memories"
_MOST_HITS = 1000


@contextmanager
def open_memory(*, base_url: str = "", secret: str = "", fault: str = "") -> Iterator[AppServer]:
    """Open a client of the application server; without a base_url, start the server for the run.

    secret: the server's secret for signing in; "demo" is the default of a server that you started. fault: the
    name of a fault to plant in a server that is started here. Raises `BadOption` for a fault with a running
    server, and `Unavailable` if the server is down or rejects the sign-in.
    """
    if base_url and fault:
        raise BadOption("fault works only with a server that is started for the run; leave out base_url.")
    httpx = need("httpx", _EXTRA)
    with ExitStack() as opened:
        if not base_url:
            # Only the server imports mem0, because mem0 decides about its telemetry at its first import.
            require(("mem0", "starlette", "uvicorn", "jwt"), _EXTRA)
            secret = secret or token_hex(16)
            arguments = ["--secret", secret, *(["--fault", fault] if fault else [])]
            script = packaged.folder("staging") / "app_server.py"
            address = opened.enter_context(local_server(script, arguments))
        client = opened.enter_context(
            httpx.Client(
                base_url=base_url or address,
                timeout=_LIMIT_SECONDS,
                limits=httpx.Limits(keepalive_expiry=_KEEP_SECONDS),
                # A proxy can't reach a server that was started here.
                trust_env=bool(base_url),
            )
        )
        adapter = AppServer(client, secret or _DEMO_SECRET)
        _try(adapter, base_url or address)
        yield adapter


def _try(adapter: AppServer, address: str) -> None:
    try:
        adapter.sign_in(_PROBE)
    except Indeterminate as error:
        raise Unavailable(
            f"The server at {address} does not answer ({error}); start it, or correct base_url."
        ) from error
    except Refused as error:
        raise Unavailable(
            f"The server at {address} rejected the sign-in ({error}); pass its secret with -O secret=..."
        ) from error


class AppServer:
    """The server's calls, one to one; `raw` is the server's row.

    Only the session token says which user a call is for. Call it from one thread only.
    """

    def __init__(self, client: Any, secret: str) -> None:
        self._client, self._secret = client, secret
        self._tokens: dict[str, str] = {}

    def sign_in(self, user: Any, **more: Any) -> str:
        """A new session token for the user; raises `Refused` if the server does not accept the user."""
        body = {"user": user, "secret": self._secret, **more}
        return str(self._send("POST", "/sign-in", {}, body)["token"])

    def add(self, user: Any, text: str) -> list[Memory]:
        """Store the text as it is."""
        return _memories(self._ask(user, "POST", "/memories", {"text": text}))

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        """Search the user's memories."""
        return _memories(self._ask(user, "POST", "/memories/search", {"query": query, "limit": limit}))

    def get_all(self, user: Any) -> list[Memory]:
        """Return all pages of the user's list."""
        page = self.page(user, None)
        rows = list(page.items)
        while page.cursor is not None:
            page = self.page(user, page.cursor)
            rows += page.items
        return rows

    def page(self, user: Any, cursor: str | None) -> Page:
        """Return one page of the user's list."""
        where = "/memories" if cursor is None else f"/memories?cursor={quote(cursor, safe='')}"
        answer = self._ask(user, "GET", where)
        return Page(_memories(answer), answer["next"])

    def get(self, user: Any, id: str) -> Memory:
        """Return one memory, or raise `Refused`."""
        return _memories(self._ask(user, "GET", _path(id)))[0]

    def update(self, user: Any, id: str, text: str) -> None:
        """Replace the text of one memory."""
        self._ask(user, "PUT", _path(id), {"text": text})

    def delete(self, user: Any, id: str) -> None:
        """Delete one memory."""
        self._ask(user, "DELETE", _path(id))

    def delete_all(self, user: Any) -> None:
        """Delete all of the user's memories."""
        self._ask(user, "DELETE", "/memories")

    def intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        """Try to read the victim's memories by list and by search; raise `Refused` if both are denied.

        Rows have no ids, because both calls may return the same memory.
        """
        headers, named = self._disguise(user, victim, how)
        place = named.get("query", "")
        body = {"query": _QUERY, "limit": _MOST_HITS, **named.get("body", {})}
        found: list[Memory] = []
        denied = []
        for method, path, sent in (("GET", "/memories", None), ("POST", "/memories/search", body)):
            try:
                found += _memories(self._send(method, path + place, headers, sent))
            except Refused as error:
                denied.append(str(error))
        if len(denied) > 1:
            raise Refused(" ".join(denied))
        return [Memory(None, row.text, row.raw) for row in found]

    def _disguise(self, user: Any, victim: Any, how: str) -> tuple[dict[str, str], dict[str, Any]]:
        """An intruder's headers, and the other places that name the victim."""
        query = f"?user={quote(str(victim), safe='')}"
        body = {"user": victim}
        header = {"X-User": quote(str(victim), safe="")}
        if how == "missing-credential":
            return header, {"query": query, "body": body}
        if how == "altered-credential":
            return _shown(_altered(self._token(victim))), {}
        if how == "expired-credential":
            return _shown(self.sign_in(victim, seconds=-1)), {}
        mine = _shown(self._token(user))
        ways: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
            "victim-in-body": (mine, {"body": body}),
            "victim-in-query": (mine, {"query": query}),
            "victim-in-header": (mine | header, {}),
        }
        if how not in ways:
            raise NotImplementedError(how)
        return ways[how]

    def _token(self, user: Any) -> str:
        if not isinstance(user, str):
            return self.sign_in(user)
        if user not in self._tokens:
            self._tokens[user] = self.sign_in(user)
        return self._tokens[user]

    def _ask(self, user: Any, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._send(method, path, _shown(self._token(user)), body)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Any:
        httpx = need("httpx", _EXTRA)
        # Not `json=`, because that can't send lone surrogates.
        content = None if body is None else json.dumps(body).encode("ascii")
        for turn in range(_TURNS):
            try:
                response = self._client.request(method, path, headers=dict(headers), content=content)
            except httpx.TransportError as error:
                raise Indeterminate(f"{type(error).__name__}: {error}") from error
            if response.status_code != _BUSY or turn == _TURNS - 1:
                return _meaning(response)
            time.sleep(_pause(response.headers.get("Retry-After", ""), turn))
        return None


def _meaning(response: Any) -> Any:
    """The JSON of a successful answer; raises `Refused` or `Indeterminate` with the server's own text."""
    status = response.status_code
    if status in _REFUSED:
        raise Refused(f"{status} {response.text}")
    if status >= _SERVER_ERROR or status == _BUSY:
        raise Indeterminate(f"{status} {response.text}")
    response.raise_for_status()
    return response.json() if response.content else None


def _pause(wanted: str, turn: int) -> float:
    seconds = float(wanted) if wanted.isascii() and wanted.isdigit() else 0.1 * 2**turn
    return min(seconds, _LONGEST_PAUSE_SECONDS)


def _shown(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _altered(token: str) -> str:
    """The token with the first character of its signature changed."""
    start = token.rfind(".") + 1
    return f"{token[:start]}{'B' if token[start] == 'A' else 'A'}{token[start + 1 :]}"


def _path(id: str) -> str:
    # A lone dot would mean the folder itself.
    return f"/memories/{quote(id, safe='').replace('.', '%2E')}"


def _memories(answer: Mapping[str, Any]) -> list[Memory]:
    return [Memory(row["id"], row["text"], row) for row in answer["memories"]]
