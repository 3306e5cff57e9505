"""Signatures: in-toto statements in DSSE envelopes, with a local Ed25519 key.

The envelope is that of https://github.com/secure-systems-lab/dsse/blob/master/envelope.md;
`securesystemslib` makes and checks it, `cryptography` keeps the keys. Both come with the extra `certificate`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolation_tests.core.errors import UsageProblem
from isolation_tests.reporting.certificates.refusals import (
    NotACertificate,
    OtherKey,
    OtherPayloadType,
    WrongSignature,
)

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

__all__ = [
    "PASSPHRASE_VARIABLE",
    "PAYLOAD_TYPE",
    "NewKey",
    "load_private",
    "load_public",
    "make_key",
    "signed",
    "verified_payload",
]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PASSPHRASE_VARIABLE = "ISOLATION_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
MOST_KEY_BYTES = 64_000
MOST_ENVELOPE_BYTES = 32 * 2**20
Ask = Callable[[], str]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A pair of keys that was written. keyid: by which an envelope names the key that signed it."""

    private: Path
    public: Path
    keyid: str


def make_key(path: Path, passphrase: str = "") -> NewKey:
    """Write a new private key to `path`, readable by its owner alone, and the public one to `path`.pub.

    passphrase: with which the private key is encrypted; empty leaves it in the clear. Raises `UsageProblem`
    where either file exists or can't be written.
    """
    _library()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner

    private = Ed25519PrivateKey.generate()
    locked = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    pem = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    shown = private.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    public = path.with_name(f"{path.name}.pub")
    for there in (path, public):
        if os.path.lexists(there):
            raise UsageProblem(
                f"{there} is there already and is not replaced; name another file for the key."
            )
    _write_new(path, pem, 0o600)
    _write_new(public, shown, 0o644)
    return NewKey(path, public, CryptoSigner(private).public_key.keyid)


def load_private(path: Path, ask: Ask) -> CryptoSigner:
    """The signer of a private key's file; `ask` is asked for the passphrase of an encrypted one.

    Raises `UsageProblem` for a file that is none and for a wrong passphrase.
    """
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    pem = _read_key(path)
    passphrase = ask() if b"BEGIN ENCRYPTED PRIVATE KEY" in pem else ""
    try:
        return CryptoSigner(load_pem_private_key(pem, passphrase.encode() or None))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        wrong = "or its passphrase is another" if passphrase else "that can sign"
        raise UsageProblem(
            f"{path} holds no private key {wrong}; `isolation-tests report keygen` makes one."
        ) from error


def load_public(path: Path) -> Key:
    """The public key of a file; raises `UsageProblem` for a file that is none."""
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(_read_key(path)))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageProblem(
            f"{path} holds no public key; give the file ending in .pub that the issuer handed out."
        ) from error


def signed(payload: bytes, signer: CryptoSigner) -> bytes:
    """The payload in an envelope, signed, as the bytes of its file."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _encoded(envelope.to_dict())


def verified_payload(content: bytes, key: Key) -> bytes:
    """What an envelope carries, when this key signed it.

    Raises the `Refusal` for each way in which it is not as it was written.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        envelope = Envelope.from_dict(_decoded(content))
    except Exception as error:
        raise NotACertificate("it is no signed envelope") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise OtherPayloadType(str(envelope.payload_type))
    signatures = list(envelope.signatures.values())
    if len(signatures) != 1 or signatures[0].unrecognized_fields:
        raise NotACertificate("it does not hold exactly one signature")
    if _encoded(envelope.to_dict()) != content:
        raise NotACertificate("something was added to it")
    if signatures[0].keyid != key.keyid:
        raise OtherKey(str(signatures[0].keyid), key.keyid)
    try:
        envelope.verify([key], 1)
    except VerificationError as error:
        raise WrongSignature from error
    return envelope.payload


def _encoded(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, indent=2).encode("ascii") + b"\n"


def _decoded(content: bytes) -> dict[str, Any]:
    if len(content) > MOST_ENVELOPE_BYTES:
        raise ValueError("too large")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _library() -> None:
    try:
        import cryptography
        import securesystemslib
    except ImportError as error:
        raise UsageProblem(
            "Certificates need packages that are not installed; install them with: "
            'pip install "isolation-tests[certificate]"'
        ) from error
    del cryptography, securesystemslib


def _read_key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_KEY_BYTES)
    except OSError as error:
        raise UsageProblem(f"The key {path} can't be read ({error.strerror}); check its path.") from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that was not there, with its mode from the first byte on."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageProblem(f"Can't write the key to {path} ({error.strerror}); name another file.") from error
