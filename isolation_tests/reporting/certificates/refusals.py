"""One exception for each reason to refuse a certificate; each message says what to do next."""

# ruff: noqa: N818 - the names say what is wrong; the base class says that it is a refusal

from __future__ import annotations

from isolation_tests.core.errors import ExitStatus
from isolation_tests.reporting.evidence.errors import EvidenceError

__all__ = [
    "AddedFile",
    "ChangedFile",
    "ChangedText",
    "Contradicted",
    "HiddenCause",
    "Incomplete",
    "NewerCertificate",
    "NoCertificate",
    "NotACertificate",
    "NothingProved",
    "OtherClaim",
    "OtherKey",
    "OtherPayloadType",
    "OtherQuestions",
    "OtherRun",
    "OtherStrength",
    "OtherSubject",
    "OtherSuite",
    "RaisedLevel",
    "Refusal",
    "UnfoundedKnown",
    "ViolatedByNews",
    "WrongEnding",
    "WrongSignature",
    "WrongStatement",
]


class Refusal(EvidenceError):
    """A certificate is not issued, or not accepted."""

    status = ExitStatus.VIOLATED


class Incomplete(Refusal):
    """Expected checks never reported, although nothing narrowed the run."""

    def __init__(self, missing: int, expected: int) -> None:
        super().__init__(
            f"{missing} of {expected} expected checks never reported, so the run can't be certified;"
            " run the suite again."
        )


class ViolatedByNews(Refusal):
    """There are findings that are not listed as known."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        some = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        super().__init__(
            f"The run is VIOLATED by findings not listed as known: {some or 'a check without a case'}."
            " Fix them, or list them with a reason in the target's file, then run again."
        )


class NothingProved(Refusal):
    """No check held with a positive control."""

    def __init__(self) -> None:
        super().__init__(
            "No check held with a positive control (a user who saw their own fact), so nothing was proved;"
            " look for inconclusive checks in the report, then run again."
        )


class NoCertificate(Refusal):
    """The folder has no certificate."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The folder contains no {name}; give the folder in which `report certify` wrote it."
        )


class NotACertificate(Refusal):
    """The file is not a signed envelope, or was changed."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The certificate file was changed ({why}); ask the issuer for the original file.")


class NewerCertificate(Refusal):
    """A later version of the suite issued it."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"The certificate has form {found}, but this version reads {known}; upgrade to read it."
        )


class OtherPayloadType(Refusal):
    """The envelope's payload is not a certificate."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The envelope's payload type is {found[:60]!r}, not that of a certificate;"
            " ask the issuer for the original file."
        )


class OtherKey(Refusal):
    """Another key signed the certificate."""

    def __init__(self, signed: str, given: str) -> None:
        super().__init__(
            f"The certificate was signed with key {signed[:16]}, but you gave key {given[:16]};"
            " ask the issuer which key is theirs."
        )


class WrongSignature(Refusal):
    """The signature is invalid: certificate or signature were changed after signing."""

    def __init__(self) -> None:
        super().__init__(
            "The signature is invalid, so the certificate was changed after it was signed;"
            " ask the issuer for the original file."
        )


class WrongStatement(Refusal):
    """The signature is valid, but the content is not a certificate of this suite."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The signed content is not a certificate of this suite ({why}); ask the issuer for a new one."
        )


class OtherRun(Refusal):
    """The evidence beside the certificate comes from another run."""

    def __init__(self, certified: str, found: str) -> None:
        super().__init__(
            f"The certificate covers run {certified[:20]}, but the evidence is from run {found[:20]};"
            " restore the evidence that was certified."
        )


class OtherSubject(Refusal):
    """The certificate covers other files than those of a run."""

    def __init__(self, names: str) -> None:
        super().__init__(
            f"The certificate covers {names[:100]} and not a run's evidence; ask the issuer for a new one."
        )


class ChangedFile(Refusal):
    """A certified file was changed or removed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not the file that was certified; restore the original.")


class AddedFile(Refusal):
    """A file was added after the run was certified."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was added after the run was certified; remove it, or certify again.")


class ChangedText(Refusal):
    """The readable certificate differs from the signed one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} differs from the signed certificate; remove it, or certify again.")


class OtherSuite(Refusal):
    """Another version of the suite made the evidence."""

    def __init__(self, made_by: str, here: str) -> None:
        super().__init__(
            f"The evidence was written by isolation-tests {made_by[:40]}, but this is {here[:40]};"
            " certify with the version that wrote it, or run again."
        )


class OtherQuestions(Refusal):
    """The run's expected checks are not those of this version of the suite."""

    def __init__(self, profile: str, missing: int, added: int) -> None:
        super().__init__(
            f"The expected checks differ from those of profile {profile[:20]}: {missing} missing or changed,"
            f" {added} added; run again with the released suite."
        )


class WrongEnding(Refusal):
    """The footer contradicts the records."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The footer's {field} contradicts the records; restore the file that the run wrote."
        )


class UnfoundedKnown(Refusal):
    """A finding is marked as known, but the run had no list of known findings."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} is marked as known, but the run had no list of known findings;"
            " restore the file that the run wrote."
        )


class Contradicted(Refusal):
    """A check's recorded history contradicts its verdict."""

    def __init__(self, check: str, why: str) -> None:
        super().__init__(
            f"Judged again, {check} does not reach its recorded verdict: {why}; do not trust this run."
        )


class RaisedLevel(Refusal):
    """The certificate's verdict or level is not that of the evidence."""

    def __init__(self, said: str, reached: str) -> None:
        super().__init__(
            f"The certificate says {said}, but the evidence shows {reached}; ask the issuer for a new one."
        )


class HiddenCause(Refusal):
    """The certificate does not list all causes that make it partial."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The certificate does not list the causes that make it PARTIAL correctly ({kind});"
            " ask the issuer for a new one."
        )


class OtherStrength(Refusal):
    """The certificate's strength is not the measured one."""

    def __init__(self) -> None:
        super().__init__("The certificate's strength is not the measured one; ask the issuer for a new one.")


class OtherClaim(Refusal):
    """Another field of the certificate contradicts the evidence."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The certificate's {field.replace('_', ' ')} contradicts the evidence;"
            " ask the issuer for a new one."
        )
