"""Keys are their owner's, and what was installed counts as what it was."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.distributions import not_a_release, unreleased
from isolation_tests.core.errors import UsageProblem
from isolation_tests.reporting.certificates import signing
from meta_tests.builders import install

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def test_a_private_key_is_its_owner_s_and_is_never_replaced(tmp_path: Path) -> None:
    made = signing.make_key(tmp_path / "key")
    assert stat.S_IMODE(made.private.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    before = made.private.read_bytes()
    with pytest.raises(UsageProblem, match="not replaced"):
        signing.make_key(tmp_path / "key")
    made.private.unlink()
    with pytest.raises(UsageProblem, match=r"key\.pub already exists"):
        signing.make_key(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageProblem, match="not replaced"):
        signing.make_key(tmp_path / "link")
    assert b"PRIVATE KEY" in before


def test_an_encrypted_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    made = signing.make_key(tmp_path / "key", "open sesame")
    assert signing.load_private(made.private, lambda: "open sesame").public_key.keyid == made.keyid
    with pytest.raises(UsageProblem, match="for this passphrase"):
        signing.load_private(made.private, lambda: "guess")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100])
def test_what_is_no_key_is_one_sentence(tmp_path: Path, keys: Any, content: bytes) -> None:
    path = tmp_path / "key"
    with pytest.raises(UsageProblem, match="can't be read"):
        signing.load_public(path)
    path.write_bytes(content)
    with pytest.raises(UsageProblem, match=r"ends in \.pub"):
        signing.load_public(path)
    with pytest.raises(UsageProblem, match="report keygen"):
        signing.load_private(path, str)
    with pytest.raises(UsageProblem, match="no usable private key"):
        signing.load_private(keys.public, str)
    with pytest.raises(UsageProblem, match="no public key"):
        signing.load_public(keys.private)


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib", None)
    with pytest.raises(UsageProblem, match=r"isolation-tests\[certificate\]"):
        signing.make_key(tmp_path / "key")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("2.2.1", None),
        ("1.0rc1", None),
        ("1.0.dev3", "development"),
        ("1.0+g1", "local"),
        ("main", "no version"),
    ],
)
def test_a_version_that_is_no_release_says_why(version: str, why: str | None) -> None:
    found = not_a_release(version)
    assert found is None if why is None else found is not None and why in found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, None),
        ('{"url": "https://example.org/x", "vcs_info": {"vcs": "git"}}', "installed from a git checkout"),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', "installed from a folder or file"),
        ("{", "installed from an unknown place"),
    ],
)
def test_a_checkout_is_no_release_whatever_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, why: str | None
) -> None:
    assert unreleased("sample-memory") == "not installed"
    install(tmp_path, "sample-memory", direct_url=said)
    monkeypatch.syspath_prepend(tmp_path)

    assert unreleased("sample-memory") == why
