"""A finding as a few lines of Python that call an adapter named `memory`, and as two sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from isolation_tests.core.intervals import seen_words
from isolation_tests.core.plural import counted
from isolation_tests.model import BY_ID, WORD, WRITING, Case, Finding, Law, Operation, Plan, Step, reference
from isolation_tests.reporting.narrative.literals import Code, literal
from isolation_tests.reporting.narrative.scopes import told
from isolation_tests.testdata.display import show

__all__ = ["MOST_LINES", "happened", "related_user", "reproduction", "story"]

MOST_LINES = 8
_MEANWHILE = "# Here the run's other checks act, for other users. None of those before does it alone."
_ABSENT = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the reproduction, which stands for one step or for several equal adds.

    addressed: the fact whose id the step uses. others: of how many users outside the finding the adds are.
    waits: whether the plan only waits here for a write to show.
    """

    number: int
    step: Step
    addressed: int | None = None
    times: int = 1
    others: int = 0
    waits: bool = False


def reproduction(case: Case, rest: str | None = None) -> str:
    """At most eight lines of Python that reproduce the finding, as few as the plan has steps.

    Of a longer plan, waits are left out, long runs of adds become one loop, and other reads are left out.

    Names are ASCII Python literals. Canaries are written as CANARY-0, CANARY-1, ... A comment counts the
    steps that don't fit, and says where they stand. rest: where, if not in the replay file or the evidence.
    """
    finding = case.finding
    lines = _lines(case.history.plan, finding)
    for shorten in (_without_waits, _collapsed, _without_other_reads, _collapsed):
        if len(lines) > MOST_LINES:
            lines = shorten(lines, finding)
    kept = _fitting(lines, case)
    writer = _Writer(case, _ids_needed(kept), _passed_twice(kept)[: MOST_LINES - len(kept)])
    text = [writer.line(line) for line in kept]
    alone = case.history.plan.of_witnesses
    if dropped := len(lines) - len(kept):
        place = ("in the evidence" if alone else "in the replay file") if rest is None else rest
        text[-2] += f"  # {counted(dropped, 'more step')} {place}".rstrip()
    if text:
        text[-1] += f"  # {writer.outcome()}"
    if alone:
        text.insert(-1, _MEANWHILE)
    return "\n".join([*writer.constants(), *text])


def story(case: Case) -> str:
    """Who saw or lost whose fact through which operation, and how often: two sentences."""
    often = f"It showed in {seen_words(case.seen, case.tried)}"
    if case.history.plan.of_witnesses:
        often = "It showed once, while other checks ran"
    relation = case.finding.relation
    related = f"; the names are related by {relation}" if relation else ""
    return f"{happened(case)}. {often}{related}."


def happened(case: Case) -> str:
    """Who saw or lost whose fact through which operation, as a sentence without its full stop."""
    finding = case.finding
    viewer, through, owner = told(case, finding.viewer, show), str(finding.operation), _owner(case, show)
    field = "" if finding.where == finding.operation else f", in field {finding.where!a}"
    sentence = {
        Law.NO_CROSS_READ: f"{viewer} got a fact of {owner} from {through}{field}",
        Law.KEEPS_OWN_FACTS: f"{viewer} misses own facts {_loss(case)}",
        Law.DELETED_IS_GONE: f"{through} still returns facts that {viewer} deleted",
        Law.REFUSES_MISSING_USER: f"{through} with user {viewer} returned stored facts instead of a refusal",
        Law.FOREIGN_ID_IS_UNKNOWN: f"{viewer} can tell from {through} that an id of {owner} exists",
        Law.OWNER_STAYS: f"{through} by {viewer} changed the owner of a memory of {owner}",
        Law.OWN_KEYS: f"{viewer} and {owner} share one memory although each wrote their own",
        Law.COUNTS_OWN: f"{through} gave {viewer} a number that is not that of their own memories",
        Law.SILENT_ERRORS: f"The error that {viewer} got from {through} reveals {owner}",
        Law.OWN_VIEW: f"What {viewer} gets from {through} depends on other users' memories{field}",
        Law.SURFACES_AGREE: f"{viewer} gets different memories from {through} and from get_all",
    }[finding.law]
    return sentence[:1].upper() + sentence[1:]


def _loss(case: Case) -> str:
    """Where facts are missing, and after whose call if another user's call caused it."""
    finding = case.finding
    if finding.operation == finding.where:
        return f"in {finding.where}"
    other = related_user(case)
    whose = "another user" if other is None else told(case, other, show)
    return f"in {finding.where}, after {finding.operation} by {whose}"


def related_user(case: Case) -> int | None:
    """The other user of the finding's related pair; None if the names are not related."""
    users, viewer = case.history.plan.users, case.finding.viewer
    if not 0 <= viewer < len(users):
        return None
    pair = (n for n, user in enumerate(users) if n != viewer and user.group == users[viewer].group)
    return next(pair, None)


def _name(case: Case, user: int) -> Any:
    users = case.history.users
    return users[user].name if 0 <= user < len(users) else f"user {user}"


def _owner(case: Case, spell: Callable[[Any], str]) -> str:
    owner = case.finding.owner
    return "another user of this run" if owner is None else told(case, owner, spell)


def _lines(plan: Plan, finding: Finding) -> list[_Line]:
    """All calls up to the one that shows the finding; a wait is replaced by a call that it makes."""
    steps = list(enumerate(plan.steps))[: finding.step + 1]
    polled = finding.operation if finding.operation not in WRITING else Operation.GET_ALL
    lines = []
    for n, step in steps:
        waits = step.op is Operation.SETTLE
        call = polled if n == finding.step else Operation.GET_ALL
        shown = step.model_copy(update={"op": call}) if waits else step
        lines.append(_Line(n, shown, _addressed(plan, n, shown), step.times or 1, waits=waits))
    return lines


def _without_waits(lines: Sequence[_Line], finding: Finding) -> list[_Line]:
    """Drop the calls that only wait for a write to show."""
    return [line for line in lines if not line.waits or line.number == finding.step]


def _addressed(plan: Plan, number: int, step: Step) -> int | None:
    """The fact whose add returned the id that the step uses; an update changes the fact and keeps the id."""
    fact = step.fact if step.replaces is None else step.replaces
    if step.op not in BY_ID or step.absent:
        return None
    for earlier in reversed(plan.steps[:number]):
        if earlier.fact != fact:
            continue
        if earlier.op is Operation.ADD:
            return fact
        if earlier.op is Operation.UPDATE and earlier.replaces is not None:
            fact = earlier.replaces
    return None


def _fitting(lines: Sequence[_Line], case: Case) -> list[_Line]:
    """At most `MOST_LINES` lines: the last, then its causes, then other calls of its users, in plan order."""
    if len(lines) <= MOST_LINES:
        return list(lines)
    last, finding = lines[-1], case.finding
    ids = _ids_needed([last])
    parts = {finding.viewer, finding.owner, related_user(case)}

    def leads(line: _Line) -> bool:
        adds = line.step.op is Operation.ADD and line.step.fact in ids
        at_fault = (
            line.step.op is finding.operation
            and line.step.op in WRITING
            and line.step.op is not Operation.ADD
        )
        return adds or at_fault or line.number == last.step.cursor

    def rank(line: _Line) -> tuple[bool, bool, int]:
        return not leads(line), line.step.user not in parts, line.number

    first = sorted(lines[:-1], key=rank)[: MOST_LINES - 1]
    return [*sorted(first, key=lambda line: line.number), last]


def _collapsed(lines: Sequence[_Line], finding: Finding) -> list[_Line]:
    """Merge runs of plain adds into one line each: per user, or for all users outside the finding."""
    needed = _ids_needed(lines)
    parts = {finding.viewer, finding.owner}

    def run(line: _Line) -> tuple[object, ...]:
        step = line.step
        plain = not (step.metadata or step.key) and step.fact is not None and step.fact not in needed
        if step.op is not Operation.ADD or not plain:
            return (line.number,)
        return ("add", step.user if step.user in parts else None)

    collapsed = []
    for _, group in groupby(lines, run):
        members = list(group)
        users = {member.step.user for member in members}
        times, others = sum(m.times for m in members), max(len(users), *(m.others for m in members))
        collapsed.append(replace(members[0], times=times, others=others if others > 1 else 0))
    return collapsed


def _without_other_reads(lines: Sequence[_Line], finding: Finding) -> list[_Line]:
    """Drop reads, unless a later step replays their cursor or they may fill a cache."""
    cursors = {line.step.cursor for line in lines}
    reads = {Operation.SEARCH, Operation.GET_ALL, Operation.COUNT, Operation.EXPORT, Operation.PAGE}
    if any(line.step.times for line in lines):
        # The number of memories is the cause, and no single read.
        reads |= {Operation.GET, Operation.HISTORY}
    return [
        line
        for line in lines
        if line.number == finding.step
        or line.number in cursors
        or line.step.op not in reads
        or (line.step.op is finding.operation and line.step.user != finding.viewer)
    ]


def _ids_needed(lines: Sequence[_Line]) -> frozenset[int]:
    """Facts whose stored id a later step needs."""
    addressed = {line.addressed for line in lines if line.addressed is not None}
    named = {fact for line in lines for fact in _named((line.step.metadata, line.step.filters))}
    return frozenset(addressed | named)


def _named(value: Any) -> Iterator[int]:
    """The facts whose ids a value names, as `~0` does."""
    if (named := reference(value)) is not None and named[0] == "~":
        yield named[1]
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _named(inner)


def _passed_twice(lines: Sequence[_Line]) -> tuple[Mapping[str, Any], ...]:
    """The filters or metadata of the last line that an earlier line passes too, as the same object."""
    if not lines:
        return ()
    *earlier, last = [(line.step.filters, line.step.metadata) for line in lines]
    return tuple(
        value
        for place, value in enumerate(last)
        if value and "~" not in repr(value) and any(other[place] == value for other in earlier)
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes steps as Python.

    ids: the facts whose id has to be kept in a variable. shared: the mappings that several calls pass.
    """

    case: Case
    ids: frozenset[int]
    shared: tuple[Mapping[str, Any], ...] = ()

    def constants(self) -> list[str]:
        """A line for each mapping that several calls pass."""
        return [f"{_constant(n)} = {literal(self._bound(value))}" for n, value in enumerate(self.shared)]

    def line(self, line: _Line) -> str:
        if line.times > 1:
            return self._loop(line)
        step = line.step
        call = f"memory.{step.op}({', '.join(self._arguments(line))})"
        if step.op is Operation.ADD and step.fact in self.ids:
            return f"fact_{step.fact}, = {call}"
        last = line.number == self.case.finding.step
        return f"page_{line.number} = {call}" if step.op is Operation.PAGE and not last else call

    def outcome(self) -> str:
        """What the last line shows."""
        finding = self.case.finding
        owner = _owner(self.case, literal)
        return {
            Law.NO_CROSS_READ: f"returns a fact of {owner}",
            Law.KEEPS_OWN_FACTS: "own facts are missing",
            Law.DELETED_IS_GONE: "still returns deleted facts",
            Law.REFUSES_MISSING_USER: "is answered instead of refused",
            Law.FOREIGN_ID_IS_UNKNOWN: "answers differently than for an absent id",
            Law.OWNER_STAYS: f"a memory of {owner} changed its owner",
            Law.OWN_KEYS: f"shares one memory with {owner}",
            Law.COUNTS_OWN: "counts others' memories, or misses own ones",
            Law.SILENT_ERRORS: f"its error reveals {owner}",
            Law.OWN_VIEW: "differs when nobody else has memories",
            Law.SURFACES_AGREE: "disagrees with get_all",
        }[finding.law]

    def _loop(self, line: _Line) -> str:
        step = line.step
        user = f"f'another-{{n % {line.others}}}'" if line.others else self._user(step)
        text = _worded(self.case.history.plan.facts[step.fact or 0].text)
        head, canary, tail = text.partition("{canary}")
        written = f"{literal(f'{head}CANARY-')} + str(n)" if canary else literal(text)
        written += f" + {literal(tail)}" if tail else ""
        return f"for n in range({line.times}): memory.add({user}, {written})"

    def _arguments(self, line: _Line) -> list[str]:
        return [self._user(line.step), *self._positional(line), *self._keywords(line.step)]

    def _positional(self, line: _Line) -> list[str]:
        step = line.step
        if step.op is Operation.ADD:
            return [self._written(step)]
        if step.op is Operation.SEARCH:
            return [literal(self._filled(step.query)) if step.query is not None else self._text(step.fact)]
        if step.op is Operation.PAGE:
            return ["None" if step.cursor is None else f"page_{step.cursor}.cursor"]
        if step.op is Operation.INTRUDE and step.victim is not None:
            return [literal(_name(self.case, step.victim)), literal(step.how)]
        if step.op not in BY_ID:
            return []
        return [_id(line), self._written(step)] if step.op is Operation.UPDATE else [_id(line)]

    def _keywords(self, step: Step) -> list[str]:
        keywords: dict[str, Any] = {"metadata": step.metadata, "filters": step.filters, "key": step.key}
        keywords["scope"] = self.case.history.users[step.user].scope
        if step.op is Operation.SEARCH:
            keywords["limit"] = step.limit
        return [f"{name}={self._value(value)}" for name, value in keywords.items() if value is not None]

    def _value(self, value: Any) -> str:
        return _constant(self.shared.index(value)) if value in self.shared else literal(self._bound(value))

    def _user(self, step: Step) -> str:
        return "None" if step.spoiled else literal(_name(self.case, step.user))

    def _written(self, step: Step) -> str:
        return self._text(step.fact) if step.text is None else literal(step.text)

    def _text(self, fact: int | None) -> str:
        if fact is None:
            return literal("")
        return literal(_worded(self.case.history.plan.facts[fact].text).replace("{canary}", f"CANARY-{fact}"))

    def _filled(self, text: str) -> str:
        return _worded(text).replace("{canary}", "CANARY")

    def _bound(self, value: Any) -> Any:
        """The value with the plan's `@1` (user 1's name), `#0` and `~0` (fact 0's canary and id) filled."""
        if isinstance(value, Mapping):
            return {self._bound(key): self._bound(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._bound(inner) for inner in value]
        if (named := reference(value)) is None:
            return value
        kind, number = named
        if kind == "~":
            return Code(f"fact_{number}.id")
        if kind == "#":
            return f"CANARY-{number}"
        return _name(self.case, number)


def _worded(text: str) -> str:
    return WORD.sub(r"\1", text)


def _constant(number: int) -> str:
    return "given" if not number else f"given_{number + 1}"


def _id(line: _Line) -> str:
    """The expression for the id that a call passes."""
    form = line.step.id_form
    if form is not None and "{id}" not in form:
        return literal(form)
    if line.addressed is None:
        return literal(_ABSENT)
    stored = f"fact_{line.addressed}.id"
    return stored if form is None else f"{literal(form)}.format(id={stored})"
