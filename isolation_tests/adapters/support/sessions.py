"""Sessions as a careful server keeps them: signed, expiring, and the only proof of who makes a request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field

from isolation_tests.adapter import Refused

NO_SESSION = "Sign in first: the session is missing, altered or expired."
_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """A caller's request. credential: their session. body, query, headers: other fields that name a user."""

    credential: str | None = None
    body: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Sessions:
    """Issues sessions and finds their users; raises `Refused` for an invalid session."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def sign_in(self, user: str, *, seconds: float = _SECONDS) -> str:
        """A session for the user, valid for this many seconds."""
        claims = f"{time.time() + seconds:.3f} {user}".encode("utf-8", "surrogatepass")
        return f"{base64.urlsafe_b64encode(claims).decode()}.{self._seal(claims)}"

    def user_of(self, request: Request) -> str:
        """The user of the request's session; no other part of the request matters."""
        encoded, _, seal = (request.credential or "").partition(".")
        try:
            claims = base64.urlsafe_b64decode(encoded)
        except (ValueError, binascii.Error):
            raise Refused(NO_SESSION) from None
        if not hmac.compare_digest(self._seal(claims).encode(), seal.encode()):
            raise Refused(NO_SESSION)
        until, _, user = claims.decode("utf-8", "surrogatepass").partition(" ")
        if float(until) < time.time():
            raise Refused(NO_SESSION)
        return user

    def _seal(self, claims: bytes) -> str:
        return hmac.new(self._secret, claims, hashlib.sha256).hexdigest()


def intruding(sessions: Sessions, user: str, victim: str, how: str) -> Request:
    """The request with which `user` tries to act as `victim`; `how` is one of `INTRUSIONS`."""
    claim = {"user": victim}
    own = sessions.sign_in(user)
    spoiled = sessions.sign_in(victim)
    requests = {
        "missing-credential": Request(body=claim),
        "altered-credential": Request(f"{spoiled[:-1]}{'0' if spoiled[-1] != '0' else '1'}"),
        "expired-credential": Request(sessions.sign_in(victim, seconds=-1.0)),
        "victim-in-body": Request(own, body=claim),
        "victim-in-query": Request(own, query=claim),
        "victim-in-header": Request(own, headers=claim),
    }
    return requests[how]
