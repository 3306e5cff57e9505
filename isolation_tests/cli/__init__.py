"""The command line: every command, its options, and how it ends."""

from __future__ import annotations

import click

from isolation_tests.cli.bridge import bridge
from isolation_tests.cli.calibrate import calibrate
from isolation_tests.cli.clean import clean
from isolation_tests.cli.common import STATUS, Group
from isolation_tests.cli.probe import probe
from isolation_tests.cli.replay import replay
from isolation_tests.cli.report import report
from isolation_tests.cli.run import run
from isolation_tests.cli.scale import scale
from isolation_tests.cli.sweep import sweep
from isolation_tests.cli.targets import environments, explain, init, targets


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=STATUS,
)
@click.version_option(package_name="isolation-tests")
def main() -> None:
    """Test whether a memory system for AI agents keeps its users apart.

    Start with `isolation-tests run reference`. Then run your own system's adapter.
    """


COMMANDS = (
    *(run, probe, clean, calibrate, replay, scale, sweep, report),
    *(init, bridge, targets, environments, explain),
)
for command in COMMANDS:
    main.add_command(command)
