"""What comes back: rows, statuses, failures, and what the file expects in vain."""

from __future__ import annotations

from time import sleep

import pytest

from isolation_tests.adapter import Indeterminate, Memory, Refused
from isolation_tests.adapters.described.mapping import Mismatch
from meta_tests.adapters.http.service import Asked, Reply, Service, always, opened


def test_the_rest_of_an_answer_stays_in_sight(service: Service) -> None:
    rows = [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]
    service.answer = always(Reply(body={"items": rows, "relations": ["secret"]}))
    with opened(service) as memory:
        found = memory.get_all("u")

    assert found[0].raw == {"row": rows[0], "beside": {"relations": ["secret"]}}
    assert found[1].raw == rows[1]


def test_other_parts_that_hold_memories_count_where_there_are_no_rows(service: Service) -> None:
    with opened(service, {"search": {"beside": "relations"}}) as memory:
        assert memory.search("u", "q", limit=2) == []
        service.answer = always(Reply(body={"items": [], "relations": ["a", "b"]}))

        assert memory.search("u", "q", limit=2) == [Memory(None, "", "a"), Memory(None, "", "b")]


def test_a_service_without_a_limit_is_cut_and_nothing_is_lost_from_sight(service: Service) -> None:
    rows = [{"id": str(number), "text": f"t{number}"} for number in range(4)]
    service.answer = always(Reply(body={"items": rows}))
    with opened(service, {"search": {"json": {"q": "{query}", "u": "{user}"}}}) as memory:
        found = memory.search("u", "q", limit=2)

    assert [row.text for row in found] == ["t0", "t1"]
    assert found[1].raw == {"row": rows[1], "past the limit": rows[2:]}


def test_an_add_may_say_little(service: Service) -> None:
    with opened(service) as memory:
        for reply, stored in (
            (Reply(204), []),
            (Reply(200, b""), []),
            (Reply(body={"id": 5}), [("5", "")]),
            (Reply(body={"id": "x", "text": "t"}), [("x", "t")]),
        ):
            service.answer = always(reply)
            assert [(row.id, row.text) for row in memory.add("u", "t")] == stored
    service.answer = always(Reply(body={"items": []}))
    with opened(service, {"add": {"items": ""}}) as memory:
        assert memory.add("u", "t") == []


def test_texts_alone_are_memories_without_ids(service: Service) -> None:
    service.answer = always(Reply(body=["a", "b"]))
    with opened(service, {"answer": {"items": "@", "id": "", "text": "@"}}) as memory:
        assert memory.get_all("u") == [Memory(None, "a", "a"), Memory(None, "b", "b")]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404, {"error": "no user"}), Refused),
        (Reply(422, {"error": "bad"}), Refused),
        (Reply(500, b"oops"), Indeterminate),
        (Reply(503, b"later"), Indeterminate),
        (Reply(418, b"tea"), Mismatch),
        (Reply(307, b"", (("Location", "/elsewhere"),)), Mismatch),
        (Reply(200, b"<html>", (("Content-Type", "text/html"),)), Mismatch),
        (Reply(200, b""), Mismatch),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_statuses(service: Service, reply: Reply, kind: type[Exception]) -> None:
    with opened(service) as memory:
        service.answer = lambda _asked: reply
        with pytest.raises(kind) as caught:
            memory.get_all("u")

    assert len(service.asked) == 1
    if kind is Mismatch:
        assert str(caught.value).startswith(("options.get_all", "options.answer.items"))
    else:
        assert str(caught.value).startswith(str(reply.status))


def test_a_refusal_keeps_the_service_s_own_words(service: Service) -> None:
    with opened(service, {"refused": [451]}) as memory:
        service.answer = always(Reply(451, {"error": "not of alice"}))
        with pytest.raises(Refused, match="not of alice"):
            memory.delete_all("u")
        service.answer = always(Reply(404, {"error": "gone"}))
        with pytest.raises(Mismatch, match="add 404 to options"):
            memory.delete_all("u")


@pytest.mark.parametrize("status", [429, 503])
def test_the_service_may_ask_to_try_again(service: Service, status: int) -> None:
    with opened(service, {"retries": 2}) as memory:
        replies = iter([Reply(status, headers=(("Retry-After", "0"),)), Reply(body={"items": []})])
        service.answer = lambda _asked: next(replies)
        assert memory.get_all("u") == []
        assert len(service.asked) == 2

        service.asked.clear()
        service.answer = lambda _asked: Reply(
            status, b"busy", (("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"),)
        )
        with pytest.raises(Indeterminate, match="busy"):
            memory.add("u", "t")
        assert len(service.asked) == 3


def test_a_time_out_and_a_broken_connection_are_indeterminate(service: Service) -> None:
    with opened(service, {"timeout_seconds": 0.25}) as memory:

        def late(_asked: Asked) -> Reply:
            sleep(0.5)
            return Reply(body={})

        def hung_up(_asked: Asked) -> Reply:
            raise ConnectionAbortedError

        for answer, kind in ((late, "ReadTimeout"), (hung_up, "RemoteProtocolError")):
            service.answer = answer
            with pytest.raises(Indeterminate, match=kind):
                memory.add("u", "t")


def test_a_mismatch_names_the_expression_and_the_keys_that_were_there(service: Service) -> None:
    with opened(service) as memory:
        for body, key, missing, keys in (
            ({"results": [], "next": None}, "items", "memories", "results, next"),
            ({"items": [{"uuid": "1", "text": "t"}]}, "id", "id", "uuid, text"),
            ({"items": [{"id": "1", "note": "t"}]}, "text", "text", "id, note"),
        ):
            service.answer = always(Reply(body=body))
            with pytest.raises(Mismatch) as caught:
                memory.get_all("u")
            assert str(caught.value) == (
                f"options.answer.{key}: {key!r} finds no {missing} in an answer that has the keys {keys}; "
                "correct the expression."
            )
