"""One HTTP client for all users: builds requests, sends credentials and interprets answers.

How values are sent: in JSON, every value keeps its type. In a path, a value is formatted as in an f-string
and fully percent-encoded, a lone dot included. In a query string, None is left out, booleans are `true` and
`false`, a list is repeated and an object is JSON. In a header, the text is sent as UTF-8.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import tenacity

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.adapters.described.bodies import Late, gathered, parsed, told
from isolation_tests.adapters.described.http_options import EXTRA, Call, Mapped
from isolation_tests.adapters.described.mapping import (
    ABSENT,
    Expression,
    Mismatch,
    OutOfBounds,
    Template,
    filled,
    slots,
)
from isolation_tests.adapters.resources import need
from isolation_tests.adapters.support.retries import policy, seconds_of
from isolation_tests.core import metering

if TYPE_CHECKING:
    import httpx

__all__ = ["LOST_CREDENTIAL", "Client", "connected", "of_answer"]

LOST_CREDENTIAL = 401
_TOO_MANY, _UNAVAILABLE = 429, 503
_OK, _REDIRECT, _CLIENT, _SERVER = 200, 300, 400, 500
_OF_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")
# Shorter than a server's own limit: a connection that the server is closing would look like a lost call.
_KEEP_SECONDS = 2.0
_MOST_CREDENTIALS = 10_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def connected(mapped: Mapped) -> Iterator[Client]:
    """Yield the service, with one client for all users, so that users share connections."""
    httpx = need("httpx", EXTRA)
    local = urlsplit(mapped.base_url).hostname in _LOOPBACK
    with httpx.Client(
        http2=find_spec("h2") is not None,
        timeout=mapped.options.timeout_seconds,
        limits=httpx.Limits(keepalive_expiry=_KEEP_SECONDS),
        # A shared cookie jar would send one user's session with the next user's request.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"Accept-Encoding": "gzip"},
        trust_env=not local,
    ) as client:
        yield Client(client, mapped)


class Client:
    """The service: sends requests with credentials. Safe to call from several threads."""

    def __init__(self, client: httpx.Client, mapped: Mapped) -> None:
        self._client, self._mapped = client, mapped
        self._auth = mapped.auth
        self._credentials: dict[str, str] = {}
        self._keeping = Lock()

    def ask(self, call: Call, values: Mapping[str, Any], url: str | None = None) -> httpx.Response:
        """The answer to one request of `values["user"]`.

        url: the next page's address, if the server named it. A credential that the server no longer accepts
        is renewed once. Raises as `meaning` does.
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
        """The user's credential from signing in, kept for later calls; empty if users do not sign in."""
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
        """A new credential for this user, straight from the server."""
        response = self.meaning(call, self.send(call, {"user": user}, {}))
        if found is None:
            token: object = response.cookies.get(self._auth.name)
            if not token:
                raise Mismatch(
                    f"options.auth.name: the answer to {call.option} sets no cookie {self._auth.name!r}; "
                    "correct the name."
                )
        else:
            answer = of_answer(call, response)
            token = found.find(answer)
            if not isinstance(token, str) or not token:
                raise found.missed(answer, "token")
        return str(token)

    def token(self, credential: str, user: Any) -> str:
        """The credential as the service expects it."""
        return self._auth.token.text({"token": credential, "user": user})

    def shown(self, credential: str, user: Any) -> dict[str, str]:
        """The header that carries the credential."""
        return self.carried(self.token(credential, user))

    def carried(self, token: str) -> dict[str, str]:
        """The header that carries this token; none if the service needs no credential."""
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
        """The answer to a request, after any pauses that the server asked for.

        also: more fields for "query", "headers" or "json". Raises `Indeterminate` if no answer comes, and
        `Refused` for values that HTTP can't send.
        """
        request = self._request(call, values, headers, url, also or {})
        tries = tenacity.Retrying(
            **policy(_asked, self._mapped.options.retries + 1),
            retry=tenacity.retry_if_result(_wants_a_pause),
            retry_error_callback=_last,
            sleep=metering.pause,
        )
        return tries(self._sent, call, request)

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
            raise Refused(f"HTTP can't send this value ({kind}), so nothing was sent.") from None

    def _fits_text(self, call: Call, user: Any) -> None:
        """Raise `Refused` if the user is not text in a place that holds text only.

        A path, a header and a query string have no types: writing 5 there would turn it into the user "5",
        and this client would be to blame. In a query string, no user is no parameter.
        """
        text_only = slots(call.path, call.headers, self._mapped.headers)
        as_text = "user" in text_only or (user is not None and "user" in slots(call.query))
        if as_text and not isinstance(user, str):
            raise Refused(f"HTTP can't send a {type(user).__name__} here, so nothing was sent.")

    def _sent(self, call: Call, request: httpx.Request) -> httpx.Response:
        import httpx

        seconds = self._mapped.options.timeout_seconds
        deadline = time.monotonic() + seconds
        metering.request()
        try:
            response = self._client.send(request, follow_redirects=False, stream=True)
            with closing(response):
                content = gathered(
                    response.iter_raw(), response.headers.get("content-encoding", ""), deadline
                )
        except OutOfBounds as error:
            raise OutOfBounds(f"{call.option}: {error}.") from None
        except Late:
            raise Indeterminate(f"the answer did not end within {seconds:g} seconds") from None
        except httpx.LocalProtocolError as error:
            raise Refused(f"HTTP can't send this value ({error}), so nothing was sent.") from None
        except httpx.RequestError as error:
            raise Indeterminate(f"{type(error).__name__}: {error}") from error
        headers = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_TRANSFER]
        return httpx.Response(
            response.status_code,
            headers=headers,
            content=content,
            request=request,
            extensions=response.extensions,
        )

    def meaning(self, call: Call, response: httpx.Response) -> httpx.Response:
        """The answer, if it is a success.

        Raises `Refused` if the service refused, `Indeterminate` if the outcome is unknown, and `Mismatch` for
        a status that the file does not expect.
        """
        status = response.status_code
        if _OK <= status < _REDIRECT:
            return response
        said = f"{status} {told(response.content, response.charset_encoding)}"
        if status in self._mapped.options.refused:
            raise Refused(said)
        if status >= _SERVER or status == _TOO_MANY:
            raise Indeterminate(said)
        what = "redirects" if status < _CLIENT else "rejects the request"
        raise Mismatch(
            f"{call.option}: the server {what} with {status} {response.reason_phrase}; correct the method or "
            f"the path, or add {status} to options.refused."
        )


def of_answer(call: Call, response: httpx.Response) -> Any:
    """The JSON of an answer; None if it is empty."""
    if not response.content:
        return None
    try:
        return parsed(response.content)
    except OutOfBounds as error:
        raise OutOfBounds(f"{call.option}: {error}.") from None
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise Mismatch(
            f"{call.option}: the server answered {response.status_code} without JSON ({kind}); correct the "
            "path or options.base_url."
        ) from error


def _key(user: Any) -> str:
    """A user as unique text: 1, "1", 1.0 and true differ."""
    return json.dumps(user, sort_keys=True)


def _path(path: Template, values: Mapping[str, Any]) -> str:
    return path.text(values, _segment)


def _segment(value: object) -> str:
    encoded = quote(str(value), safe="")
    # A client resolves "." and ".." before it sends a request, but the service has to see the user's name.
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def _query(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, _in_query(each))
        for name, value in query.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def _in_query(value: object) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _wants_a_pause(response: httpx.Response) -> bool:
    unavailable = response.status_code == _UNAVAILABLE and bool(response.headers.get("retry-after"))
    return unavailable or response.status_code == _TOO_MANY


def _asked(state: tenacity.RetryCallState) -> float | None:
    """The seconds that the service asks to wait; None if it names none."""
    return seconds_of(_last(state).headers.get("retry-after"))


def _last(state: tenacity.RetryCallState) -> httpx.Response:
    """The last answer, which is the answer if no more tries are made."""
    if state.outcome is None:
        raise RuntimeError("there was no try yet")
    response: httpx.Response = state.outcome.result()
    return response
