"""The page of a run: complete, inert whatever a target says, readable by everybody, small enough to open."""

from __future__ import annotations

import itertools
import re
import runpy
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolation_tests.core.inert import MOST_CHARACTERS, inert
from isolation_tests.model import (
    Case,
    CheckResult,
    Event,
    FactSpec,
    History,
    Operation,
    Outcome,
    Plan,
    Row,
    Sighting,
    Step,
    UserSpec,
    Verdict,
)
from isolation_tests.reporting.evidence.evidence import Evidence, Header, TargetInfo
from isolation_tests.reporting.evidence.strength import BlindSpot, Strength, write_strength
from isolation_tests.reporting.html.latency_chart import LOADS, Latency, chart, latencies
from isolation_tests.reporting.html.name_diff import alone, side_by_side
from isolation_tests.reporting.html.page import Beside, render_html, write_html
from isolation_tests.reporting.html.sequence_diagram import diagram
from isolation_tests.reporting.html.timeline import timeline
from isolation_tests.reporting.html.who_saw_whom import who_saw_whom
from isolation_tests.reporting.narrative.commands import rerun
from meta_tests.builders import make_case, make_evidence, make_header, make_plan, make_result

ROOT = Path(__file__).parents[2]
STYLE = (ROOT / "isolation_tests/reporting/html/templates/style.css.j2").read_text(encoding="utf-8")
HARMLESS = "harmless"
FRAGMENTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></textarea><svg onload=alert(1)>",
    "<!-- ",
    "--> ]]>",
    "<![CDATA[",
    "&lt;b&gt; &#0; &amp",
    "javascript:alert(1)",
    "https://example.org/x.js",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[31m\x1b]8;;http://x\x07",
    "\u202e\u2066\u200b\ufeff\u00ad\u2028",
    "\x00",
    "\ud800",
    "e" + "\u0301" * 30,
    "\n\r\t",
    "`$(id)`",
    "%s {0}",
)
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters())), min_size=1, max_size=4).map(
    lambda parts: "".join(parts) or "x"
)
few = settings(max_examples=25)
VOID = frozenset({"br", "link", "meta"})
milliseconds = st.one_of(st.just(0.0), st.floats(1e-4, 1e5))
SHAPES = frozenset({"path", "rect", "text", "svg", "g", "title"})
# What the drawing of the latency may say of its shapes: it has no address, no script and no style of its own.
GEOMETRY = frozenset({"aria-hidden", "class", "height", "text-anchor", "width", "x", "y"})
# What differs between two names is marked, so these elements follow the names and not the page.
FOLLOWS_NAMES = frozenset({"mark"})


class Page(HTMLParser):
    """The page's elements, held to be closed in order, with their attributes and the text that they hold."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.odd: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def shape(self) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        """Elements and attributes, without those that follow the names."""
        return [
            (tag, tuple(sorted(attrs.items()))) for tag, attrs in self.elements if tag not in FOLLOWS_NAMES
        ]


def case_of(
    text: str = HARMLESS, *, known: str | None = None, seen: int = 4, names: bool = True, **changes: Any
) -> Case:
    """A leak of user 1's fact to user 0, with the text in all that a target or a plan can say."""
    plan = make_plan(
        *(Step(op=Operation.ADD, user=n, fact=n) for n in range(3)),
        Step(op=Operation.SEARCH, user=0, query=text),
        name=text,
        users=(UserSpec(), UserSpec(template="{base}-corp"), UserSpec(group=1)),
        facts=tuple(FactSpec(text=text, owners=(n,)) for n in range(3)),
        relation=text,
    )
    seen_there = Sighting(user=1, fact=1, where=text)
    events = (
        *(event(n, Operation.ADD, n) for n in range(3)),
        event(
            3,
            Operation.SEARCH,
            0,
            rows=(Row(id=text, text=text, sightings=(seen_there,)),),
            error=text,
            error_kind=text,
            sightings=(seen_there,),
        ),
    )
    called = (text, text + "-corp", text) if names else ("iso-1", "iso-1-corp", "iso-2")
    fields = {"viewer": 0, "owner": 1, "where": text, "story": text, "known": known, "seen": seen, "tried": 4}
    return make_case(plan, names=called, events=events, **{**fields, **changes})


def event(step: int, op: Operation, user: int, started: float | None = None, **fields: Any) -> Event:
    began = float(step) if started is None else started
    parts = {"outcome": Outcome.OK, "started": began, "ended": began + 0.5, **fields}
    return Event(step=step, op=op, user=user, **parts)


def result_of(check: str, verdict: Verdict, *cases: Case, **fields: Any) -> CheckResult:
    counts = {"examples": 10, "calls": 40, "controls": 10}
    return make_result(check, verdict, **{"title": "a law", "cases": cases, **counts, **fields})


def evidence_of(
    *results: CheckResult, text: str = HARMLESS, verdict: Verdict = Verdict.VIOLATED, **header: Any
) -> Evidence:
    """Evidence with the text in every field of the header and the footer that somebody else can write."""
    target = TargetInfo(
        name=text,
        title=text + "!",
        tenancy=text,
        adapter=text,
        source=text + "?",
        distributions={text: text},
        options={text: text},
        volatile=text,
        file=text,
        packaged=text,
    )
    alike = ("run_id", "started", "profile", "python", "platform", "known_file")
    lists = ("aliases", "owner_keys", "selection")
    fields = {
        **dict.fromkeys(alike, text),
        **dict.fromkeys(lists, (text,)),
        "probed": {text: text},
        "variables": {text: text},
        "target": target,
        "capabilities": (text, "get"),
        "seed": None,
        **header,
    }
    unheard = result_of(text, Verdict.HELD, title=text)
    footer: dict[str, Any] = {
        **dict.fromkeys(("unmatched_known", "expired_known", "notes"), (text,)),
        **dict.fromkeys(("ended", "digest"), text),
        "counts": {},
        "verdict": verdict,
        "level": None,
        "not_run": (),
        "exit_status": 1,
    }
    evidence = make_evidence(make_header(*results, unheard, **fields), results, **footer)
    return evidence.model_copy(update={"sha256": text})


def everywhere(text: str, *, names: bool) -> Evidence:
    """Evidence that holds the text in every field which a target, its file or its texts reach."""
    return evidence_of(
        result_of("leaks", Verdict.VIOLATED, case_of(text, names=names), title=text),
        result_of(
            "known", Verdict.VIOLATED, case_of(text, known=text, names=names, anomaly=text), title=text
        ),
        result_of("lacks", Verdict.NOT_SUPPORTED, reason=text, title=text),
        result_of("doubts", Verdict.INCONCLUSIVE, reason=text, notes=(text,)),
        result_of("holds", Verdict.HELD, histories=(case_of(text, names=names).history,)),
        text=text,
    )


def strength_of(text: str) -> Strength:
    """A strength with the text in it; the model itself refuses what UTF-8 can't carry."""
    text = text.encode("utf-8", "replace").decode()
    return Strength(
        target=text,
        suite_version="0.1.0",
        date="2026-11-21",
        profile=text,
        seeds=(1,),
        calls=9,
        versions={text: text},
        fitting=2,
        caught=1,
        blind_spots=(BlindSpot(fault="F1-blind", anomaly="A1", cause=text[:900]),),
    )


def page_of(evidence: Evidence, found: Beside | None = None) -> Page:
    return Page(render_html(evidence, found))


# What a target says is inert


HARMLESS_SHAPES = {names: page_of(everywhere(HARMLESS, names=names)).shape() for names in (False, True)}


@given(texts, st.booleans())
@few
def test_no_text_of_a_target_changes_the_page(text: str, names: bool) -> None:  # noqa: FBT001
    page = page_of(everywhere(text, names=names))

    assert not page.odd
    wanted = HARMLESS_SHAPES[names]
    if names:
        # A name's invisible characters are told in a row of their own.
        named = ("dt", ()), ("dd", ())
        assert [one for one in page.shape() if one not in named] == [
            one for one in wanted if one not in named
        ]
    else:
        assert page.shape() == wanted


@given(texts)
@few
def test_nothing_steers_the_reader(text: str) -> None:
    rendered = render_html(everywhere(text, names=True), Beside(strength_of(text)))

    raw = {char for char in rendered if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"}
    assert raw <= {"\n", "\t"}
    assert rendered.encode("utf-8")
    for tag, attrs in Page(rendered).elements:
        assert tag != "script"
        assert not [name for name in attrs if name.startswith("on") or name in {"src", "srcset", "action"}]
        assert all(value.startswith("#") for name, value in attrs.items() if name.endswith("href"))


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_known_trick_is_inert(fragment: str) -> None:
    page = page_of(everywhere(fragment, names=False), Beside(strength_of(fragment)))

    assert page.shape() == page_of(everywhere(HARMLESS, names=False), Beside(strength_of(HARMLESS))).shape()


def test_very_long_texts_are_cut_and_the_page_says_so() -> None:
    long = "long \u200b " * 1_500_000
    case = case_of(names=False, where=long, relation=long)
    told = result_of("leaks", Verdict.VIOLATED, case, notes=(long,))
    target = TargetInfo(name="t", title=long, tenancy=long, adapter="a", distributions={"d": long})
    rendered = render_html(evidence_of(told, result_of("b", Verdict.ERROR, reason=long), target=target))

    assert len(rendered) < 500_000
    assert rendered.count("more characters are left out") > 5


@given(texts, st.integers(1, 50))
def test_inert_text_is_cut_where_it_is_said(text: str, most: int) -> None:
    cut = inert(text, most)

    assert (cut == inert(text)) == (len(text) <= most) or len(text) > MOST_CHARACTERS
    assert len(text) <= most or f"({len(text) - most:,} more characters are left out)" in cut


def test_marks_that_pile_up_are_spelled() -> None:
    assert inert("e\u0301") == "e\u0301"
    assert inert("e" + "\u0301" * 5) == "e" + "\u0301" * 3 + "\\u0301" * 2


# The page can be read by everybody


@pytest.fixture(scope="module")
def leaking() -> str:
    return render_html(everywhere(HARMLESS, names=True), Beside(strength_of(HARMLESS)))


@pytest.fixture(scope="module")
def overlapping() -> str:
    return render_html(evidence_of(result_of("leaks", Verdict.VIOLATED, concurrent_case())))


def concurrent_case() -> Case:
    case = case_of("x", names=False)
    steps = tuple(step.model_copy(update={"lane": step.user}) for step in case.history.plan.steps)
    events = tuple(
        event.model_copy(update={"worker": f"w1-{event.user}", "started": 1.0, "ended": 2.0 + event.step})
        for event in case.history.events
    )
    plan = case.history.plan.model_copy(update={"steps": steps})
    return case.model_copy(
        update={"history": case.history.model_copy(update={"plan": plan, "events": events})}
    )


@pytest.mark.parametrize("name", ["leaking", "overlapping"])
def test_the_page_is_accessible(name: str, request: pytest.FixtureRequest) -> None:
    page = Page(request.getfixturevalue(name))
    tags = Counter(tag for tag, _ in page.elements)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    links = [attrs["href"] for tag, attrs in page.elements if tag == "a"]

    assert (tags["h1"], tags["main"], levels[0]) == (1, 1, 1)
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert next(attrs for tag, attrs in page.elements if tag == "a")["class"] == "skip"
    assert all("scope" in attrs for tag, attrs in page.elements if tag == "th")
    assert all("aria-label" in a or "aria-hidden" in a for tag, a in page.elements if tag == "svg")
    assert all("aria-label" in a or "aria-labelledby" in a for _, a in page.elements if "role" in a)
    assert dict(page.elements)["html"]["lang"] == "en"


def test_the_page_needs_no_network_and_no_script(leaking: str) -> None:
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )

    assert f'content="{policy}"' in leaking
    for forbidden in (
        "<script",
        "<link",
        "<iframe",
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "xlink",
    ):
        assert forbidden not in leaking


def test_the_page_claims_no_conformity(leaking: str) -> None:
    assert "complian" not in leaking.lower()


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *itertools.product(("ink", "soft", "link"), ("page", "panel")),
        *((kind, f"{kind}-bg") for kind in ("bad", "doubt", "good")),
        *(("ink", f"{kind}-bg") for kind in ("bad", "doubt", "good", "mark")),
        *((kind, "page") for kind in ("bad", "doubt", "good")),
        ("link", "bad-bg"),
    ],
)
def test_contrast_suffices(mode: str, ink: str, ground: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, flags=re.DOTALL)
    block = colours(blocks[0 if mode == "light" else 1])
    high, low = sorted((luminance(block[ink]), luminance(block[ground])), reverse=True)

    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_it_is_dark_where_wanted_prints_and_shows_the_focus() -> None:
    for needed in ("prefers-color-scheme: dark", "@media print", ":focus-visible", "::details-content"):
        assert needed in STYLE


# The page says all there is to say


def test_the_page_says_what_was_and_was_not_tested() -> None:
    text = page_of(everywhere("spoken", names=False)).text

    for part in (
        "Not run (1)",
        "Inconclusive or in error (1)",
        "Not supported (1)",
        "Narrowed",
        "Methods not offered",
    ):
        assert part in text
    for part in (
        "Anomalies not covered",
        "C5 engine",
        "Outdated known findings",
        "Not compared",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("results", "meaning"),
    [
        (
            [result_of("a", Verdict.HELD)],
            "No call crossed between users, but the list of known findings is outdated",
        ),
        ([result_of("a", Verdict.VIOLATED, case_of())], "At least one user saw, changed or deleted"),
        ([result_of("a", Verdict.INCONCLUSIVE)], "This run proves nothing"),
    ],
)
def test_the_verdict_stands_first_in_words(results: list[CheckResult], meaning: str) -> None:
    evidence = evidence_of(*results)
    expected = evidence.header.expected[:-1]
    evidence = evidence.model_copy(
        update={"header": evidence.header.model_copy(update={"expected": expected})}
    )

    assert meaning in page_of(evidence).text.split("What was tested")[0]


def test_a_run_that_proves_nothing_draws_no_comfort_from_silence() -> None:
    assert "too incomplete to prove anything" in page_of(evidence_of()).text


def test_a_withheld_finding_is_told_without_what_shows_it() -> None:
    bare = Plan(name="withheld", anomaly="A1", users=(), facts=(), steps=())
    case = case_of(HARMLESS).model_copy(
        update={"history": History(plan=bare, users=(), events=()), "withheld": True}
    )
    text = page_of(evidence_of(result_of("a", Verdict.VIOLATED, case), withheld=1)).text

    assert "Withheld (1)" in text
    assert "The reproduction is withheld until there is a public reference" in text
    assert "Replay" not in text


def test_an_intermittent_finding_tells_its_bounds() -> None:
    text = page_of(evidence_of(result_of("a", Verdict.VIOLATED, case_of(seen=3)))).text

    assert "3 of 4 tries: between 19 % and 100 % of tries (95 %, Clopper-Pearson)" in text


def test_what_was_not_seen_has_a_bound() -> None:
    assert "0 in 10 examples: below 26 % (95 %)" in page_of(evidence_of(result_of("a", Verdict.HELD))).text


def test_the_strength_beside_the_evidence_is_shown(tmp_path: Path) -> None:
    evidence = evidence_of(result_of("a", Verdict.HELD))
    without = write_html(evidence, tmp_path / "report.html").read_text(encoding="utf-8")
    write_strength(tmp_path, strength_of("the cause"))
    measured = Page(write_html(evidence, tmp_path / "report.html").read_text(encoding="utf-8")).text
    (tmp_path / "strength.json").write_text("{", encoding="utf-8")
    doubtful = Page(write_html(evidence, tmp_path / "report.html").read_text(encoding="utf-8")).text

    assert "isolation-tests calibrate" in without
    assert "1 of 2 seeded faults" in measured
    assert "F1-blind: the cause" in measured
    assert "is not a strength file of `isolation-tests calibrate`" in doubtful


def test_the_same_evidence_makes_the_same_page() -> None:
    assert render_html(everywhere("x", names=True)) == render_html(everywhere("x", names=True))


def test_the_command_names_what_the_user_gave() -> None:
    target = TargetInfo(
        name="t", title="t", adapter="a", source="my/t.toml", options={"store": "a b", "own": "1"}
    )
    header = Header(
        suite_version="1",
        run_id="r",
        started="s",
        target=target,
        seed=7,
        profile="ci",
        given=("seed", "option store"),
    )

    assert rerun(header) == "isolation-tests run my/t.toml --profile ci --seed 7 -O 'store=a b'"


# Names


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("a\u200bb", "ab", "U+200B ZERO WIDTH SPACE"),
        ("p\u0430l", "pal", "U+0430 CYRILLIC SMALL LETTER A"),
        ("caf\u00e9", "cafe\u0301", "U+0301 COMBINING ACUTE ACCENT"),
        ("a", "a ", "U+0020 SPACE"),
        ("a\x00b", "a", "U+0000 NULL"),
        ("a\ud800", "a", "U+D800 LONE SURROGATE"),
    ],
)
def test_what_differs_is_marked_and_what_cannot_be_seen_is_named(a: str, b: str, told: str) -> None:
    sides = side_by_side(a, b)
    marked = "".join(piece.text for piece in (*sides.a, *sides.b) if piece.differs)

    assert told in marked
    assert told in {one.name for one in sides.characters}


@given(texts, texts)
@few
def test_any_two_names_can_be_shown(a: str, b: str) -> None:
    for sides in (side_by_side(a, b), alone(a), side_by_side(a, None), side_by_side({"a": a}, 1.0)):
        shown = "".join(piece.text for piece in (*sides.a, *sides.b))
        assert not {char for char in shown if unicodedata.category(char)[0] == "C"}
    sides = side_by_side(a, b)
    assert (a == b) == (not any(piece.differs for piece in (*sides.a, *sides.b)))


# Diagram, timeline, matrix and latency


def test_a_long_history_is_collapsed_and_no_call_is_forgotten() -> None:
    steps = (
        *(Step(op=Operation.ADD, user=2, fact=2) for _ in range(40)),
        *(Step(op=(Operation.GET_ALL, Operation.COUNT)[n % 2], user=0) for n in range(60)),
        Step(op=Operation.SEARCH, user=0, fact=1),
    )
    case = case_of(step=len(steps) - 1)
    foreign = Row(id=None, text="", sightings=(Sighting(user=1, fact=1, where="text"),))
    events = tuple(
        event(n, step.op, step.user, rows=(foreign,) if step is steps[-1] else ())
        for n, step in enumerate(steps)
    )
    plan = case.history.plan.model_copy(update={"steps": steps})
    case = case.model_copy(
        update={"history": case.history.model_copy(update={"plan": plan, "events": events})}
    )
    drawn = diagram(case)

    assert drawn.lifelines == ("user a", "user b", "others", "the system")
    assert len(drawn.messages) <= 24
    assert sum(message.times + message.gap for message in drawn.messages) == len(events)
    assert drawn.messages[0].times == 40
    assert [message.here for message in drawn.messages].index(True) == len(drawn.messages) - 1
    assert drawn.messages[-1].answer == "fact of user b"


def test_what_comes_after_the_finding_is_not_drawn() -> None:
    case = case_of(step=1, operation=Operation.ADD)

    assert len(diagram(case).messages) == 2


def test_the_timeline_shows_overlapping_calls_only() -> None:
    assert timeline(case_of()) is None
    drawn = timeline(concurrent_case())
    assert drawn is not None
    bars = [bar for lane in drawn.lanes for bar in lane.bars]
    assert [lane.name for lane in drawn.lanes] == ["lane 1", "lane 2", "lane 3"]
    assert sum(bar.here for bar in bars) == 1
    assert all(bar.x >= 0 and bar.x + bar.width <= 640.001 and bar.ended >= bar.started for bar in bars)


def test_the_timeline_is_on_the_page(overlapping: str) -> None:
    assert "When it happened" in overlapping
    assert "The same as a table" in overlapping


def test_every_leak_is_in_the_matrix_once() -> None:
    cases = [case_of("r1"), case_of("r2", owner=None), case_of("r3", owner=2), case_of("r4", owner=0)]
    results = [result_of(str(n), Verdict.VIOLATED, case) for n, case in enumerate(cases)]
    numbers = {case.finding.key: n for n, case in enumerate(cases, start=1)}
    matrix = who_saw_whom(results, numbers)
    cells = {
        (viewer, owner): cell.findings
        for viewer, row in matrix.rows
        for owner, cell in zip(matrix.owners, row, strict=True)
        if cell
    }

    assert cells == {
        ("NAME", "NAME-corp"): (1,),
        ("NAME", "a user of another check"): (2,),
        ("NAME", "OTHER"): (3,),
    }


def test_a_large_matrix_keeps_every_case() -> None:
    large = runpy.run_path(str(ROOT / "benchmarks/report_page.py"))["large_evidence"](400, 100)
    numbers = {
        case.finding.key: n for n, case in enumerate((c for r in large.results for c in r.cases), start=1)
    }
    cells = [cell for _, row in who_saw_whom(large.results, numbers).rows for cell in row if cell]

    assert sum(cell.cases for cell in cells) == 100


def test_latency_is_told_by_operation_and_load() -> None:
    calm = [event(n, Operation.ADD, 0, started=float(n)) for n in range(4)]
    busy = [event(n, Operation.SEARCH, 0, started=10 + n / 100) for n in range(4, 10)]
    refused = event(11, Operation.GET, 0, outcome=Outcome.REFUSED)
    history = case_of().history
    plan = history.plan.model_copy(update={"steps": history.plan.steps * 3})
    history = history.model_copy(update={"plan": plan, "events": (*calm, *busy, refused)})
    rows = latencies([result_of("a", Verdict.HELD, histories=(history, history))])

    assert [(row.operation, row.load, row.count) for row in rows] == [
        (Operation.ADD, LOADS[0], 4),
        (Operation.SEARCH, LOADS[2], 6),
    ]
    assert rows[0].median == pytest.approx(500)
    assert rows[0].p95 == pytest.approx(500)


@given(st.lists(st.tuples(milliseconds, milliseconds).map(sorted), min_size=1, max_size=len(Operation)))
def test_every_figure_can_be_read_off_the_scale(pairs: list[list[float]]) -> None:
    rows = [Latency(op, LOADS[0], 1, *pair) for op, pair in zip(Operation, pairs, strict=False)]
    drawn = chart(rows)
    first, last = drawn.marks[0].figure, drawn.marks[-1].figure

    def figure(place: float) -> float:
        return first * (last / first) ** (place / 100) if drawn.logarithmic else last * place / 100

    assert [bar.operation for bar in drawn.bars] == [row.operation for row in rows]
    assert [drawn.marks[0].place, drawn.marks[-1].place] == pytest.approx([0, 100])
    assert [figure(mark.place) for mark in drawn.marks] == pytest.approx(
        [mark.figure for mark in drawn.marks]
    )
    assert [figure(bar.median) for bar in drawn.bars] == pytest.approx([row.median for row in rows])
    assert [figure(bar.p95) for bar in drawn.bars] == pytest.approx([row.p95 for row in rows])
    assert all(0 <= bar.median <= bar.p95 <= 100 + 1e-9 for bar in drawn.bars)
    assert 2 <= len(drawn.marks) <= 12


def test_an_operation_is_drawn_at_its_least_load() -> None:
    rows = [Latency(Operation.ADD, load, 1, n, n) for n, load in enumerate(LOADS, start=1)]

    assert chart(rows) == chart(rows[:1])


@pytest.mark.parametrize("slow", [0.001, 5.0])
def test_the_drawing_is_bare_geometry_and_the_table_holds_its_figures(slow: float) -> None:
    events = (event(0, Operation.ADD, 0, ended=slow), event(1, Operation.SEARCH, 0, ended=1.0005))
    history = case_of().history.model_copy(update={"events": events})
    rendered = render_html(evidence_of(result_of("a", Verdict.HELD, histories=(history,))))
    drawing = re.search('<svg class="bars".*?</svg>', rendered, flags=re.DOTALL)
    assert drawing
    elements = Page(drawing.group()).elements
    widths = [float(a["width"][:-1]) for tag, a in elements if tag == "rect" and a["width"].endswith("%")]

    assert {tag for tag, _ in elements} == {"svg", "g", "rect", "text"}
    assert {name for _, attrs in elements for name in attrs} <= GEOMETRY
    assert elements[0][1]["aria-hidden"] == "true"
    assert ("on a logarithmic scale" in rendered) == (slow > 1)
    # Each operation's frame, then its bar: with one call, its 95th percentile is its median.
    assert widths[0] == widths[1] > widths[2] == widths[3] > 0
    for figure in (slow * 1000, 0.5):
        assert rendered.count(f'<td class="number">{figure:.2f}</td>') == 2


# Size


def test_the_page_of_a_large_run_stays_small() -> None:
    large = runpy.run_path(str(ROOT / "benchmarks/report_page.py"))["large_evidence"]()
    rendered = render_html(large)

    assert len(rendered.encode("utf-8")) < 5_000_000
    assert rendered.count('<details class="finding"') == 500
