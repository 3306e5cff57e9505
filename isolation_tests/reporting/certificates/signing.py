"""Signs in-toto statements in DSSE envelopes with a local Ed25519 key.

The envelope follows https://github.com/secure-systems-lab/dsse/blob/master/envelope.md. `securesystemslib`
writes and verifies it; `cryptography` handles the keys. The extra `certificate` installs both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolation_tests.core.bounded import parsed, read_file
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
    """A new key pair. keyid: identifies the key in the envelopes that it signs."""

    private: Path
    public: Path
    keyid: str


def make_key(path: Path, passphrase: str = "") -> NewKey:
    """Write a new private key to `path`, readable by its owner only, and the public key to `path`.pub.

    passphrase: encrypts the private key; empty leaves it unencrypted. Raises `UsageProblem` if either file
    exists or can't be written.
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
                f"{there} already exists and is not replaced; choose another file for the key."
            )
    _write_new(path, pem, 0o600)
    _write_new(public, shown, 0o644)
    return NewKey(path, public, CryptoSigner(private).public_key.keyid)


def load_private(path: Path, ask: Ask) -> CryptoSigner:
    """The signer for a private key file; `ask` returns the passphrase of an encrypted key.

    Raises `UsageProblem` for a file without a private key and for a wrong passphrase.
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
        wrong = " for this passphrase" if passphrase else ""
        raise UsageProblem(
            f"{path} holds no usable private key{wrong}; `isolation-tests report keygen` creates one."
        ) from error


def load_public(path: Path) -> Key:
    """The public key in a file; raises `UsageProblem` for a file without one."""
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(_read_key(path)))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageProblem(
            f"{path} holds no public key; give the issuer's file that ends in .pub."
        ) from error


def signed(payload: bytes, signer: CryptoSigner) -> bytes:
    """The signed envelope with the payload, as the bytes of its file."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _encoded(envelope.to_dict())


def verified_payload(content: bytes, key: Key) -> bytes:
    """The payload of an envelope that this key signed.

    Raises the matching `Refusal` if the envelope was changed or another key signed it.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        envelope = Envelope.from_dict(_decoded(content))
    except Exception as error:
        raise NotACertificate("it is not a signed envelope") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise OtherPayloadType(str(envelope.payload_type))
    signatures = list(envelope.signatures.values())
    if len(signatures) != 1 or signatures[0].unrecognized_fields:
        raise NotACertificate("it does not hold exactly one signature")
    if _encoded(envelope.to_dict()) != content:
        raise NotACertificate("it holds additional data")
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
    found = parsed(content, once=True)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _library() -> None:
    try:
        import cryptography
        import securesystemslib
    except ImportError as error:
        raise UsageProblem(
            "Certificates need packages that are not installed. Install them with: "
            'pip install "isolation-tests[certificate]"'
        ) from error
    del cryptography, securesystemslib


def _read_key(path: Path) -> bytes:
    try:
        return read_file(path, MOST_KEY_BYTES)
    except OSError as error:
        raise UsageProblem(f"The key {path} can't be read ({error.strerror}); check the path.") from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Create a new file with its final mode."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageProblem(
            f"Can't write the key to {path} ({error.strerror}); choose another file."
        ) from error
