"""One exception for each reason not to issue or not to believe a certificate; each says what to do next."""

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
    """A certificate that is not issued, or not believed."""

    status = ExitStatus.VIOLATED


class Incomplete(Refusal):
    """Expected checks never reported, and nobody had narrowed the run."""

    def __init__(self, missing: int, expected: int) -> None:
        super().__init__(
            f"{missing} of {expected} expected checks never reported, so nothing can be certified;"
            " run the suite again to its end."
        )


class ViolatedByNews(Refusal):
    """There are findings that nobody has listed as known."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        some = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        super().__init__(
            f"The run is VIOLATED by what is not known: {some or 'a check without a case'}."
            " Mend it, or list it with its reason in the target's file, then run again."
        )


class NothingProved(Refusal):
    """No check held with a positive control."""

    def __init__(self) -> None:
        super().__init__(
            "No check held while its users saw their own facts, so nothing was proved;"
            " look at what the report calls inconclusive, then run again."
        )


class NoCertificate(Refusal):
    """The folder has no certificate."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no {name} in this folder; give the folder that `report certify` wrote to."
        )


class NotACertificate(Refusal):
    """The file is no envelope, or not as it was written."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The certificate is not as it was written ({why}); ask for the original file.")


class NewerCertificate(Refusal):
    """A later version of the suite wrote it."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(f"The certificate is of form {found} and this version reads {known}: upgrade.")


class OtherPayloadType(Refusal):
    """What the envelope says it carries is not what certificates are."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The envelope says that it carries {found[:60]!r}, which no certificate is;"
            " ask for the original file."
        )


class OtherKey(Refusal):
    """Another key signed it."""

    def __init__(self, signed: str, given: str) -> None:
        super().__init__(
            f"It was signed by the key {signed[:16]} and not by the one you gave, {given[:16]};"
            " ask its issuer which key is theirs."
        )


class WrongSignature(Refusal):
    """The signature does not fit: certificate or signature were changed after signing."""

    def __init__(self) -> None:
        super().__init__(
            "The signature does not fit, so the certificate was changed after it was signed;"
            " ask for the original file."
        )


class WrongStatement(Refusal):
    """Signed well, but no statement of this suite."""

    def __init__(self, why: str) -> None:
        super().__init__(f"What was signed is no certificate of this suite ({why}); ask for a new one.")


class OtherRun(Refusal):
    """The evidence beside the certificate is of another run."""

    def __init__(self, certified: str, found: str) -> None:
        super().__init__(
            f"The certificate is of run {certified[:20]} and the evidence of run {found[:20]};"
            " put the evidence back that was certified."
        )


class OtherSubject(Refusal):
    """The certificate speaks of other files than a run's."""

    def __init__(self, names: str) -> None:
        super().__init__(
            f"The certificate speaks of {names[:100]}, not of a run's evidence; ask for a new one."
        )


class ChangedFile(Refusal):
    """A file is not the one that was certified."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not the file that was certified; put the original back.")


class AddedFile(Refusal):
    """A file was laid beside the evidence after it was certified."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was not there when the run was certified; remove it, or certify again.")


class ChangedText(Refusal):
    """The readable certificate says something else than the signed one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} says something else than what was signed; remove it, or certify again.")


class OtherSuite(Refusal):
    """The evidence comes from another version of the suite than stated or needed."""

    def __init__(self, made_by: str, here: str) -> None:
        super().__init__(
            f"The evidence was made by isolation-tests {made_by[:40]} and this is {here[:40]};"
            " certify with the version that made it, or run again."
        )


class OtherQuestions(Refusal):
    """The run set out to ask something else than this version of the suite asks."""

    def __init__(self, profile: str, missing: int, added: int) -> None:
        super().__init__(
            f"Of what isolation-tests asks at profile {profile[:20]}, {missing} checks are not expected here,"
            f" or in another way, and {added} are not its own; run again with the suite as released."
        )


class WrongEnding(Refusal):
    """The footer says something else than the records show."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The footer's {field} is not what the records show; restore the file that the run wrote."
        )


class UnfoundedKnown(Refusal):
    """A finding counts as known in a run that had no list of known findings."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} counts as known in a run without known findings; restore the file that the run wrote."
        )


class Contradicted(Refusal):
    """The kept history of a check shows something else than its verdict."""

    def __init__(self, check: str, why: str) -> None:
        super().__init__(
            f"Judged again, {check} does not come to its verdict: {why}; do not believe this run."
        )


class RaisedLevel(Refusal):
    """The certificate's verdict or level is not what the evidence reaches."""

    def __init__(self, said: str, reached: str) -> None:
        super().__init__(
            f"The certificate says {said} and the evidence reaches {reached}; ask for a new one."
        )


class HiddenCause(Refusal):
    """The certificate does not name all that makes it partial."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The certificate does not say rightly what makes it partial ({kind}); ask for a new one."
        )


class OtherStrength(Refusal):
    """The strength in the certificate is not the measured one."""

    def __init__(self) -> None:
        super().__init__("The certificate states another strength than was measured; ask for a new one.")


class OtherClaim(Refusal):
    """Some other statement of the certificate is not what the evidence says."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The certificate's {field.replace('_', ' ')} is not what the evidence says; ask for a new one."
        )
