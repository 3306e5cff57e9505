"""Commands that issue certificates and check them."""

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

CERTIFY_STATUS = """Exit status: 0 issued (HELD or PARTIAL, which it says), 1 refused for what the evidence
shows, 3 usage or evidence that can't be believed, 4 internal error."""
VERIFY_STATUS = "Exit status: 0 verified, 1 refused, 3 usage, 4 internal error."
PRIVATE_HELP = "The private key that `report keygen` wrote."
PUBLIC_HELP = "The issuer's public key, which ends in .pub."
LOCK_HELP = "Ask for a passphrase and encrypt the private key with it."
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
KEY = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("path", type=KEY)
@click.option("--passphrase", "asks", is_flag=True, help=LOCK_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def keygen(path: Path, asks: bool, verbose: bool) -> int:  # noqa: FBT001 - click passes them by name
    """Make a key to sign certificates with: the private one in PATH, the public one in PATH.pub.

    Only its owner may read the private key; keep it out of every repository. Hand the public one to whoever
    is to verify. A passphrase can also stand in ISOLATION_KEY_PASSPHRASE.
    """
    del verbose
    from isolation_tests.reporting.certificates.signing import PASSPHRASE_VARIABLE, make_key

    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "")
    if asks and not passphrase:
        passphrase = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    made = make_key(path, passphrase)
    click.echo(f"private key: {made.private} (for `report certify` only; show it to nobody)")
    click.echo(f"public key:  {made.public} (hand it out; `report verify` needs it)")
    click.echo(f"key id:      {made.keyid}")
    return int(ExitStatus.HELD)


@click.command(epilog=CERTIFY_STATUS)
@click.argument("folder", type=FOLDER, default="reports/local")
@click.option("--key", type=KEY, metavar="FILE", required=True, help=PRIVATE_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@reports_errors
def certify(folder: Path, key: Path, verbose: bool) -> int:  # noqa: FBT001 - click passes it by name
    """Issue a signed certificate for the run whose evidence is in FOLDER.

    It states the level that was reached, how strong the run was, and each thing that makes it PARTIAL. It is
    refused where checks never reported, where anything that is not known was violated, and where the kept
    histories do not bear the verdicts out. It speaks of report.html and strength.json as they are now.
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
    """Check the certificate in FOLDER against the evidence beside it, offline and without the target.

    Every kept history is judged again, and everything that the certificate says is computed anew.
    """
    del verbose
    from isolation_tests.reporting.certificates.signing import load_public
    from isolation_tests.reporting.certificates.verification import verify as verified

    outcome = verified(folder, load_public(key), _questions)
    for line in outcome.lines():
        click.echo(line)
    return int(ExitStatus.HELD if outcome.refusal is None else ExitStatus.VIOLATED)


def certifier(key: Path) -> Callable[[Path], Issued]:
    """Who issues certificates with a private key; a passphrase is asked for once, before anything else."""
    from isolation_tests.reporting.certificates.signing import load_private
    from isolation_tests.reporting.certificates.verification import certify as certified

    signer = load_private(key, _passphrase)
    return lambda folder: certified(folder, signer, _questions)


def _questions(profile: str) -> tuple[ExpectedCheck, ...]:
    """What this version asks at a profile; nothing at one that it does not have."""
    from isolation_tests.engine.profiles import PROFILES
    from isolation_tests.engine.run import expected_checks

    return expected_checks(PROFILES[profile]) if profile in PROFILES else ()


def _passphrase() -> str:
    """The passphrase of an encrypted key: from the environment, or from whoever sits at the terminal."""
    from isolation_tests.reporting.certificates.signing import PASSPHRASE_VARIABLE

    given = os.environ.get(PASSPHRASE_VARIABLE, "")
    if given:
        return given
    if not sys.stdin.isatty():
        raise UsageProblem(f"The key is encrypted; set {PASSPHRASE_VARIABLE}, or run this at a terminal.")
    return str(click.prompt("Passphrase", hide_input=True))
