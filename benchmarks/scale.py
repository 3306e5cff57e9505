"""What a scale run costs by itself: its time over that of a bare loop, its rate, and how its memory grows.

    python benchmarks/scale.py --users 200000
    python benchmarks/scale.py --users 20000 --into figures.json

The target is the reference store in this process, of which 2,000 users at most are there at a time, so that
what grows is the suite's. The loop makes the same calls for the same users and checks nothing. Every figure
is processor time of this process.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.reporting.evidence.scale import ScaleQuestion
from isolation_tests.scale.population import Population, relations_for
from isolation_tests.scale.ranges import ROOM
from isolation_tests.scale.run import Asked, run
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.canaries import Mint

TOGETHER = 2000
SEED = 1
LOOP_USERS = 20_000


@dataclass
class Course:
    """Processor seconds and peak memory (MB) after each range."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def take(self, _: str) -> None:
        """Note where the run is; called after each range."""
        self.seconds.append(time.process_time())
        self.megabytes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    def at(self, share: float) -> int:
        """The place in the course where so much of it was over."""
        return min(len(self.seconds) - 1, int(share * len(self.seconds)))


@dataclass(frozen=True)
class Figures:
    """What was measured.

    over_loop: the run's time over that of the bare loop, per user. drift: the time per user in the last fifth
    over that in the second. growth_mb: by how much the peak memory grew from 5 % of the run to its end.
    """

    users: int
    seconds: float
    answers: int
    answers_per_second: float
    over_loop: float
    drift: float
    peak_mb: float
    growth_mb: float


def bare_loop(users: int) -> float:
    """Processor seconds per user of a loop that makes a scale run's calls and checks nothing."""
    question = ScaleQuestion(users=users, facts=1, together=users, seed=SEED, size=500)
    people = Population(question, "abcdef", Mint(os.urandom(32)), relations_for(()))
    store = ReferenceStore()
    names = [people.name(0, index) for index in range(users)]
    texts = [people.text(0, index, 0) for index in range(users)]
    asked = [people.asked_about(people.probed(index)) for index in range(users)]
    began = time.process_time()
    for first in range(0, users, TOGETHER):
        part = range(first, min(users, first + TOGETHER))
        for index in part:
            store.add(names[index], texts[index])
            store.get_all(names[index])
            store.search(names[index], texts[index], limit=ROOM)
            store.search(names[index], asked[index], limit=ROOM)
        for index in part:
            store.get_all(names[index])
            store.delete_all(names[index])
    return (time.process_time() - began) / users


def measured(users: int) -> Figures:
    """One scale run, and the loop beside it."""
    course, loop = Course(), bare_loop(min(users, LOOP_USERS))
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        ended = run(
            Settings(target="reference", seed=str(SEED), known="none"),
            Asked(users=users, together=TOGETHER),
            Path(folder),
            course.take,
        )
        seconds = time.process_time() - began
    found = ended.evidence.footer.scale
    if ended.status or found is None:
        raise click.ClickException(f"the run ended with {ended.status}: {ended.unfinished}")
    whole = course.seconds[-1] - course.seconds[0]
    fifths = [course.seconds[course.at(share / 5)] for share in range(6)]
    return Figures(
        users=users,
        seconds=round(seconds, 2),
        answers=found.answers,
        answers_per_second=round(found.answers / whole),
        over_loop=round(whole / users / loop, 2),
        drift=round((fifths[5] - fifths[4]) / (fifths[2] - fifths[1]), 3),
        peak_mb=round(course.megabytes[-1], 1),
        growth_mb=round(course.megabytes[-1] - course.megabytes[course.at(0.05)], 1),
    )


@click.command()
@click.option("--users", type=click.IntRange(5000), default=200_000, show_default=True)
@click.option(
    "--into", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures as JSON."
)
def main(users: int, into: Path | None) -> None:
    """Measure, and print the figures."""
    figures = asdict(measured(users))
    for name, figure in figures.items():
        click.echo(f"{name:<20}{figure:,}")
    if into is not None:
        into.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
