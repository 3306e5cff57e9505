"""Tries to read another user's memories with a bad credential, in the ways that the description allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isolation_tests.adapter import Memory, Refused
from isolation_tests.adapters.described.bodies import told
from isolation_tests.adapters.described.http_client import Client, of_answer
from isolation_tests.adapters.described.http_options import Call, Mapped
from isolation_tests.adapters.described.http_paging import memories
from isolation_tests.adapters.described.mapping import ABSENT, Mismatch, slots

__all__ = ["Intruder"]

_READING = ("get_all", "search")
_QUERY = "what do you know?"
_LIMIT = 100
_REDIRECT, _CLIENT = 300, 400
Also = dict[str, dict[str, Any]]
# The user of the request, the header with the credential, and further fields.
Entry = tuple[Any, dict[str, str], Also]


class Intruder:
    """Tries a way in with both reading calls. ways: those that the file describes, by name."""

    def __init__(self, server: Client, service: Mapped) -> None:
        self._server, self._service = server, service
        auth, fields = service.auth, service.options.intrude
        there = {
            "missing-credential": (auth.kind != "none", self._missing),
            # A credential that is the user's name becomes another user's credential when it is altered.
            "altered-credential": (auth.kind != "none" and "user" not in slots(auth.token), self._altered),
            "expired-credential": (auth.expired is not None, self._expired),
            "victim-in-body": (bool(auth.of_user and fields.body), self._beside("json", fields.body)),
            "victim-in-query": (bool(auth.of_user and fields.query), self._beside("query", fields.query)),
            "victim-in-header": (
                bool(auth.of_user and fields.header),
                self._beside("headers", fields.header),
            ),
        }
        self.ways: Mapping[str, Callable[[Any, Any], Entry]] = {
            how: way for how, (offered, way) in there.items() if offered
        }

    def intrude(self, user: Any, victim: Any, how: str) -> Sequence[Memory]:
        """Try to read the victim's memories; raises `Refused` if the service refused both calls.

        Rows have no ids, because both calls may return the same memory.
        """
        if how not in self.ways:
            raise NotImplementedError(how)
        entry = self.ways[how](user, victim)
        found: list[Memory] = []
        refusals: list[str] = []
        for name in _READING:
            try:
                found += self._read(self._service.calls[name], *entry)
            except Refused as error:
                refusals.append(str(error))
        if len(refusals) == len(_READING):
            raise Refused(" ".join(refusals))
        return [Memory(None, row.text, row.raw) for row in found]

    def _read(self, call: Call, named: Any, headers: dict[str, str], also: Also) -> list[Memory]:
        values = {"user": named, "query": _QUERY, "limit": _LIMIT, "cursor": ABSENT, "filters": ABSENT}
        response = self._server.send(call, values, headers, also=also)
        if _REDIRECT <= response.status_code < _CLIENT:
            raise Refused(f"{response.status_code} {told(response.content, response.charset_encoding)}")
        self._server.meaning(call, response)
        try:
            return memories(call, response)
        except Mismatch:
            # An answer of any shape is checked, because it was given to an intruder.
            return [Memory(None, "", _whole(call, response))]

    def _missing(self, _user: Any, victim: Any) -> Entry:
        return victim, {}, self._everywhere(victim)

    def _altered(self, _user: Any, victim: Any) -> Entry:
        token = self._server.token(self._server.credential(victim), victim)
        return victim, self._server.carried(_altered(token)), {}

    def _expired(self, _user: Any, victim: Any) -> Entry:
        auth = self._service.auth
        if auth.expired is None:
            raise NotImplementedError("expired-credential")
        credential = self._server.signed_in(auth.expired, auth.expired_found, victim)
        return victim, self._server.shown(credential, victim), {}

    def _beside(self, part: str, name: str | None) -> Callable[[Any, Any], Entry]:
        def entry(user: Any, victim: Any) -> Entry:
            shown = self._server.shown(self._server.credential(user), user)
            return user, shown, {part: {str(name): victim}}

        return entry

    def _everywhere(self, victim: Any) -> Also:
        fields = self._service.options.intrude
        named = {"query": fields.query, "headers": fields.header, "json": fields.body}
        return {part: {name: victim} for part, name in named.items() if name}


def _altered(token: str) -> str:
    """The token with one character of its last part changed, which is the signature of a signed token."""
    start = token.rfind(".") + 1
    # In the middle, because the last character of a base64 text may have no effect.
    place = (start + len(token)) // 2
    place = min(place, len(token) - 1)
    return f"{token[:place]}{'B' if token[place] == 'A' else 'A'}{token[place + 1 :]}"


def _whole(call: Call, response: Any) -> object:
    try:
        return of_answer(call, response)
    except Mismatch:
        return told(response.content, response.charset_encoding)
