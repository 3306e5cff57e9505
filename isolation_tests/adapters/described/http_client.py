"""One HTTP client for all users: builds requests, shows credentials, and says what an answer means.

What is written where: in JSON every value keeps its type. In a path a value is written as an f-string writes
it and fully percent-encoded, a lone dot included. In a query string None is an empty text, truth values are
`true` and `false`, a list is repeated and an object is JSON. In a header the text goes out as UTF-8.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.adapters.described.http_options import EXTRA, Call, Mapped
from isolation_tests.adapters.described.mapping import ABSENT, Expression, Mismatch, Template, filled, slots
from isolation_tests.adapters.resources import need

if TYPE_CHECKING:
    import httpx

__all__ = ["LOST_CREDENTIAL", "Client", "connected", "of_answer"]

LOST_CREDENTIAL = 401
_TOO_MANY, _UNAVAILABLE = 429, 503
_OK, _REDIRECT, _CLIENT, _SERVER = 200, 300, 400, 500
_LONGEST_PAUSE_SECONDS = 5.0
# Shorter than servers keep an idle connection: one that is just being closed would look like a lost call.
_KEEP_SECONDS = 2.0
_MOST_CREDENTIALS = 10_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def connected(mapped: Mapped) -> Iterator[Client]:
    """Give the server, with one client for all users, so that connections pass from one to the next."""
    httpx = need("httpx", EXTRA)
    local = urlsplit(mapped.base_url).hostname in _LOOPBACK
    with httpx.Client(
        http2=find_spec("h2") is not None,
        timeout=mapped.options.timeout_seconds,
        limits=httpx.Limits(keepalive_expiry=_KEEP_SECONDS),
        # A shared jar would show one user's session in the name of the next.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=not local,
    ) as client:
        yield Client(client, mapped)


class Client:
    """The service, as requests with credentials. Safe to call from several threads."""

    def __init__(self, client: httpx.Client, mapped: Mapped) -> None:
        self._client, self._mapped = client, mapped
        self._auth = mapped.auth
        self._credentials: dict[str, str] = {}
        self._keeping = Lock()

    def ask(self, call: Call, values: Mapping[str, Any], url: str | None = None) -> httpx.Response:
        """The answer to one request of `values["user"]`; url: of the next page, where the server named it.

        A credential that is no longer taken is renewed once. Raises as `meaning` does.
        """
        user = values["user"]
        known = _key(user) in self._credentials
        response = self.send(call, values, self.shown(self.credential(user), user), url)
        if response.status_code == LOST_CREDENTIAL and known:
            with self._keeping:
                self._credentials.pop(_key(user), None)
            response = self.send(call, values, self.shown(self.credential(user), user), url)
        return self.meaning(call, response)

    def credential(self, user: Any) -> str:
        """What the user got by signing in, kept for later calls; nothing where nobody signs in."""
        auth = self._auth
        if auth.sign_in is None:
            return ""
        key = _key(user)
        known = self._credentials.get(key)
        if known is not None:
            return known
        fresh = self.signed_in(auth.sign_in, auth.found, user)
        with self._keeping:
            while len(self._credentials) >= _MOST_CREDENTIALS:
                del self._credentials[next(iter(self._credentials))]
            self._credentials[key] = fresh
        return fresh

    def signed_in(self, call: Call, found: Expression | None, user: Any) -> str:
        """The credential that a sign-in of this user gives, straight from the server."""
        response = self.meaning(call, self.send(call, {"user": user}, {}))
        if found is None:
            token: object = response.cookies.get(self._auth.name)
            if not token:
                raise Mismatch(
                    f"options.auth.name: {call.option} is answered without a cookie {self._auth.name!r}; "
                    "correct the name."
                )
        else:
            answer = of_answer(call, response)
            token = found.find(answer)
            if not isinstance(token, str) or not token:
                raise found.missed(answer, "token")
        return str(token)

    def token(self, credential: str, user: Any) -> str:
        """The text that shows who makes a request."""
        return self._auth.token.text({"token": credential, "user": user})

    def shown(self, credential: str, user: Any) -> dict[str, str]:
        """The header that carries the credential."""
        return self.carried(self.token(credential, user))

    def carried(self, token: str) -> dict[str, str]:
        """The header that carries this token; none where the service asks for no credential."""
        if self._auth.kind == "none":
            return {}
        if self._auth.kind == "bearer":
            return {"Authorization": f"Bearer {token}"}
        return (
            {"Cookie": f"{self._auth.name}={token}"}
            if self._auth.kind == "cookie"
            else {self._auth.name: token}
        )

    def send(
        self,
        call: Call,
        values: Mapping[str, Any],
        headers: Mapping[str, str],
        url: str | None = None,
        also: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> httpx.Response:
        """The answer to a request, after the pauses that the server asked for.

        also: more fields for its "query", "headers" or "json". Raises `Indeterminate` where none came, and
        `Refused` for values that HTTP has no way to send.
        """
        request = self._request(call, values, headers, url, also or {})
        for turn in range(self._mapped.options.retries + 1):
            response = self._sent(request)
            pause = _pause(response, turn)
            if pause is None or turn == self._mapped.options.retries:
                break
            time.sleep(pause)
        return response

    def _request(
        self,
        call: Call,
        values: Mapping[str, Any],
        headers: Mapping[str, str],
        url: str | None,
        also: Mapping[str, Mapping[str, Any]],
    ) -> httpx.Request:
        import httpx

        self._fits_text(call, values.get("user", ""))
        common = filled(self._mapped.headers, values)
        shown = {**common, **filled(call.headers, values), **headers, **also.get("headers", {})}
        body = ABSENT if call.body is ABSENT else filled(call.body, values)
        if beside := also.get("json"):
            body = {**(body if isinstance(body, dict) else {}), **beside}
        try:
            raw = [(name.encode("ascii"), str(value).encode()) for name, value in shown.items()]
            if url is None:
                query = _query({**filled(call.query, values), **also.get("query", {})})
                url = str(httpx.URL(self._mapped.base_url + _path(call.path, values), params=query))
            if body is ABSENT:
                return self._client.build_request(call.method, url, headers=raw)
            raw.append((b"content-type", b"application/json"))
            return self._client.build_request(
                call.method, url, headers=raw, content=json.dumps(body).encode()
            )
        except (UnicodeError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise Refused(f"HTTP has no way to send such a value ({kind}): nothing was sent.") from None

    def _fits_text(self, call: Call, user: Any) -> None:
        """Raise `Refused` for a user who is no text where only text can go.

        A path, a header and a query string have no types: to spell 5 there would make it the user "5", and
        that would be this client's doing. No user in a query string is an empty value.
        """
        text_only = slots(call.path, call.headers, self._mapped.headers)
        told = "user" in text_only or (user is not None and "user" in slots(call.query))
        if told and not isinstance(user, str):
            raise Refused(f"HTTP has no way to send a {type(user).__name__} here: nothing was sent.")

    def _sent(self, request: httpx.Request) -> httpx.Response:
        import httpx

        try:
            return self._client.send(request, follow_redirects=False)
        except httpx.LocalProtocolError as error:
            raise Refused(f"HTTP has no way to send such a value ({error}): nothing was sent.") from None
        except httpx.RequestError as error:
            raise Indeterminate(f"{type(error).__name__}: {error}") from error

    def meaning(self, call: Call, response: httpx.Response) -> httpx.Response:
        """The answer, where it is a success.

        Raises `Refused` where the service said no, `Indeterminate` where nobody can know, and `Mismatch`
        for a status that the file does not expect.
        """
        status = response.status_code
        if _OK <= status < _REDIRECT:
            return response
        said = f"{status} {response.text}"
        if status in self._mapped.options.refused:
            raise Refused(said)
        if status >= _SERVER or status == _TOO_MANY:
            raise Indeterminate(said)
        what = "redirects elsewhere" if status < _CLIENT else "does not take the request"
        raise Mismatch(
            f"{call.option}: the server answered {status} {response.reason_phrase} and {what}; correct the "
            f"method or the path, or add {status} to options.refused."
        )


def of_answer(call: Call, response: httpx.Response) -> Any:
    """The JSON of an answer; None where it is empty."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise Mismatch(
            f"{call.option}: the server answered {response.status_code} without JSON ({kind}); correct the "
            "path or options.base_url."
        ) from error


def _key(user: Any) -> str:
    """A user as a text that no other user has: 1, "1", 1.0 and true differ."""
    return json.dumps(user, sort_keys=True)


def _path(path: Template, values: Mapping[str, Any]) -> str:
    return path.text(values, _segment)


def _segment(value: object) -> str:
    encoded = quote(str(value), safe="")
    # A client resolves "." and ".." before it sends; the service shall see what the user is called.
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def _query(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, _in_query(each))
        for name, value in query.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _in_query(value: object) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _pause(response: httpx.Response, turn: int) -> float | None:
    """The seconds after which the server asks to try again; None where it does not."""
    after = response.headers.get("retry-after")
    if response.status_code not in (_TOO_MANY, _UNAVAILABLE) or (
        response.status_code == _UNAVAILABLE and not after
    ):
        return None
    seconds = 0.5 * float(2**turn)
    if after:
        try:
            seconds = float(after)
        except ValueError:
            with suppress(ValueError, TypeError):
                seconds = (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)
