"""Masking: what looks like a secret is masked, and what does not stays readable."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from isolation_tests.core import masking
from isolation_tests.core.masking import MASK, masked_options, masked_text, secret_values
from isolation_tests.targets.resolve import resolve
from meta_tests.mutations import problem_of

SECRET = "hunter2hunter2"  # noqa: S105 - the text that has to vanish
TEXTS = [
    f"postgresql://app:{SECRET}@db/memories",
    f"password={SECRET}",
    f"password: {SECRET}",
    f"PGPASSWORD='{SECRET}'",
    f'{{"api_key": "{SECRET}"}}',
    f"--api-key {SECRET}",
    f"-token={SECRET}",
    f"https://blob.example.com/x?sp=r&sig={SECRET}&se=1",
    f"Authorization: Bearer {SECRET}",
    f"authorization: {SECRET}",
    f"Set-Cookie: sid={SECRET}; Path=/",
    f"X-Api-Key: {SECRET}",
    f"sent Bearer {SECRET} to it",
    f"https://hooks.slack.com/services/T000/B000/{SECRET}",
    f"https://discord.com/api/webhooks/123/{SECRET}",
    f"session_id={SECRET}",
    f"pat={SECRET}",
    "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwx",
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_masked_in_a_text(text: str) -> None:
    masked = masked_text(f"it said: {text}")
    assert MASK in masked
    assert SECRET not in masked
    assert text not in masked


@pytest.mark.parametrize(
    "text",
    [
        "There is no adapter 'x'; did you mean 'y'?",
        "user 1 searched for the text of their own fact and did not find it",
        "fixtures/targets/mem0.toml is a path, and design=5 is none",
        "the owner keys: user_id, agent_id",
        "https://example.com/hooked/on/phonics",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert masked_text(text) == text


def test_options_are_masked_at_any_depth() -> None:
    options = {
        "llm": {"config": {"bearer": SECRET, "model": "small"}},
        "session": SECRET,
        "pat": SECRET,
        "path": "/srv",
        "args": ["--quiet", "--api-key", SECRET, "--port", "80"],
        "hosts": [{"auth": [SECRET]}],
        "credentials": {"first": {"name": SECRET}},
    }
    masked = masked_options(options)
    assert SECRET not in str(masked)
    assert masked["llm.config.model"] == "small"
    assert (masked["path"], masked["args.0"], masked["args.4"]) == ("/srv", "--quiet", "80")
    assert secret_values(options) == [SECRET] * 6


def test_a_remembered_value_is_masked_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_KNOWN", set())
    masking.remember(["plain-looking", "abc"])
    assert masked_text("x plain-looking y abc") == f"x {MASK} y abc"


def test_values_of_the_variables_that_a_target_names_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masking, "_KNOWN", set())
    monkeypatch.setenv("PLANTED", "like-any-word")
    text = 'name = "t"\nadapter = "isolation_tests.adapters.reference:open_memory"\nvariables = ["PLANTED"]\n'
    (tmp_path / "t.toml").write_text(
        f"{text}[options]\nleak = {{ pin = 'one-more-word' }}\n", encoding="utf-8"
    )
    assert masked_text("like-any-word, one-more-word") == "like-any-word, one-more-word"
    resolve(str(tmp_path / "t.toml"))
    assert masked_text("like-any-word, one-more-word") == f"{MASK}, {MASK}"


def test_a_remembered_value_in_a_name_does_not_hide_that_the_name_tells_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(masking, "_KNOWN", {"session"})
    assert SECRET not in masked_text(f"session_id={SECRET}")
    assert "session" not in masked_text("my-session")


AWKWARD = (
    "a",
    "-",
    "_",
    "a1",
    "x-",
    "eyJ-",
    "token",
    "key=",
    "'token",
    "https://",
    "/hook",
    "://",
    "token  ",
)


@pytest.mark.parametrize("before", ["", "token", "https://"])
def test_a_long_text_of_any_shape_is_read_once(before: str, tmp_path: Path) -> None:
    for part in AWKWARD:
        text = before + part * (30_000 // len(part))
        assert problem_of(tmp_path, partial(masked_text, text)) is None, part


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://hooks.example.com/services/T0/B0", f"https://hooks.example.com/{MASK}"),
        ("see https://example.com/api/webhooks/T0, or", f"see https://example.com/api/webhooks/{MASK} or"),
        (
            "https://a.example/?to=https://hooks.example.com/T0",
            f"https://a.example/?to=https://hooks.example.com/{MASK}",
        ),
        ("https://example.com/hook", "https://example.com/hook"),
        ("1://user:word@host", f"1://{MASK}@host"),
    ],
)
def test_the_path_of_a_webhook_is_a_secret(text: str, masked: str) -> None:
    assert masked_text(text) == masked
