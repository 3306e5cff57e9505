"""Commands that issue and verify certificates."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isolation_tests.cli.common import reports_errors
from isolation_tests.core.errors import ExitStatus, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from isolation_tests.reporting.certificates.verification import Issued
    from isolation_tests.reporting.evidence.evidence import ExpectedCheck

CERTIFY_STATUS = """Exit status: 0 issued (as HELD or PARTIAL), 1 refused because of the evidence, 3 usage or
invalid evidence, 4 internal error."""
VERIFY_STATUS = "Exit status: 0 verified, 1 refused, 3 usage, 4 internal error."
PRIVATE_HELP = "The private key that `report keygen` wrote."
PUBLIC_HELP = "The issuer's public key, a file that ends in .pub."
LOCK_HELP = "Ask for a passphrase and encrypt the private key with it."
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
KEY = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("path", type=KEY)
@click.option("--passphrase", "asks", is_flag=True, help=LOCK_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def keygen(path: Path, asks: bool, verbose: bool) -> int:  # noqa: FBT001 - click passes them by name
    """Create a key pair for certificates.

    PATH gets the private key, and PATH.pub the public key. Only the file's owner can read the private key.
    Keep it out of every repository. Give the public key to those who verify your certificates. The variable
    ISOLATION_KEY_PASSPHRASE can hold the passphrase.
    """
    del verbose
    from isolation_tests.reporting.certificates.signing import PASSPHRASE_VARIABLE, make_key

    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "")
    if asks and not passphrase:
        passphrase = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    made = make_key(path, passphrase)
    click.echo(f"private key: {made.private} (for `report certify`; keep it secret)")
    click.echo(f"public key:  {made.public} (for `report verify`; publish it)")
    click.echo(f"key id:      {made.keyid}")
    return int(ExitStatus.HELD)


@click.command(epilog=CERTIFY_STATUS)
@click.argument("folder", type=FOLDER, default="reports/local")
@click.option("--key", type=KEY, metavar="FILE", required=True, help=PRIVATE_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def certify(folder: Path, key: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Issue a signed certificate for the run in FOLDER.

    The certificate states the level that the run reached, its strength, and every reason why it is PARTIAL.
    It covers report.html, which the command writes again, and the current strength.json. The command refuses
    to issue one if a later run in FOLDER has no end, if a check did not report, if a violation is not listed
    as a known finding, or if the recorded histories do not support the verdicts.
    """
    del verbose
    issued = certifier(key)(folder)
    for line in issued.lines:
        click.echo(line)
    click.echo(f"\ncertificate: {issued.path}\ntext:        {issued.text}")
    return int(ExitStatus.HELD)


@click.command(epilog=VERIFY_STATUS)
@click.argument("folder", type=FOLDER, default="reports/local")
@click.option("--key", type=KEY, metavar="FILE", required=True, help=PUBLIC_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def verify(folder: Path, key: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Verify the certificate in FOLDER against its evidence.

    The command judges every recorded history again and recomputes everything that the certificate states. It
    needs neither a network nor the target.
    """
    del verbose
    from isolation_tests.reporting.certificates.signing import load_public
    from isolation_tests.reporting.certificates.verification import verify as verified

    outcome = verified(folder, load_public(key), _questions)
    for line in outcome.lines():
        click.echo(line)
    return int(ExitStatus.HELD if outcome.refusal is None else ExitStatus.VIOLATED)


def certifier(key: Path) -> Callable[[Path], Issued]:
    """A function that issues certificates with a private key; asks for a passphrase once, right away."""
    from isolation_tests.reporting.certificates.signing import load_private
    from isolation_tests.reporting.certificates.verification import certify as certified
    from isolation_tests.reporting.html.page import write_html

    signer = load_private(key, _passphrase)
    return lambda folder: certified(folder, signer, _questions, write_html)


def _questions(profile: str) -> tuple[ExpectedCheck, ...]:
    """The checks that this version runs with a profile; none for an unknown profile."""
    from isolation_tests.engine.profiles import PROFILES
    from isolation_tests.engine.run import expected_checks
    from isolation_tests.plans.cells import EVERY_AXIS

    return expected_checks(PROFILES[profile], EVERY_AXIS) if profile in PROFILES else ()


def _passphrase() -> str:
    """The passphrase of an encrypted key, from the environment or from a prompt."""
    from isolation_tests.reporting.certificates.signing import PASSPHRASE_VARIABLE

    given = os.environ.get(PASSPHRASE_VARIABLE, "")
    if given:
        return given
    if not sys.stdin.isatty():
        raise UsageProblem(f"The key is encrypted; set {PASSPHRASE_VARIABLE}, or run this in a terminal.")
    return str(click.prompt("Passphrase", hide_input=True))
