"""The board: what is published, what is withheld, and the site in a browser."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from isolation_tests.cli import main
from isolation_tests.engine.sweep import Swept, _public
from isolation_tests.engine.sweep import sweep as sweep_targets
from isolation_tests.model import Case, CheckResult, Finding, Operation, Step, Verdict
from isolation_tests.reporting.board.history import PastRun, changes, past_run, read_past, remember
from isolation_tests.reporting.board.site import Site, write_site
from isolation_tests.reporting.board.withholding import rewrite, withhold
from isolation_tests.reporting.evidence.errors import EvidenceError
from isolation_tests.reporting.evidence.evidence import TargetInfo
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.evidence.writer import pack
from meta_tests.builders import make_case, make_header, make_plan, make_result, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = (
    "<script>document.title='owned'</script>\x1b[31m\u202e\"'><img src=x onerror=document.title='owned'>"
)
SHOWING = "the-plan-that-shows-it"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def a_case(anomaly: str = "A1", known: str | None = None) -> Case:
    plan = make_plan(
        Step(op=Operation.ADD, user=0, fact=0),
        Step(op=Operation.SEARCH, user=1, query=SHOWING),
        texts=(f"{SHOWING} {{canary}}",),
        name=SHOWING,
        anomaly=anomaly,
        relation="prefix-dash",
    )
    names = (f"{SHOWING}-corp", SHOWING)
    case = make_case(plan, names=names, anomaly=anomaly, story=f"{SHOWING} was seen", known=known)
    return case.model_copy(update={"beside": (case.history,)})


def a_result(anomaly: str, verdict: Verdict = Verdict.HELD, *cases: Case) -> CheckResult:
    shown = (
        {"verdict": Verdict.VIOLATED, "reason": SHOWING, "cases": cases} if cases else {"verdict": verdict}
    )
    return make_result(f"law[{anomaly}]", title="A law", anomalies=(anomaly,), **shown)


def publish(folder: Path, *results: CheckResult, ended: str = "2026-02-03T04:05:06Z", **changed: Any) -> Path:
    """Evidence of these results, packed, as a sweep leaves it."""
    fields: dict[str, Any] = {"name": folder.name, "title": "", "adapter": "sample:open", **changed}
    header = make_header(
        *results,
        suite_version=fields.pop("suite_version", "0.1.0"),
        run_id=ended,
        known_count=1,
        target=TargetInfo.model_validate({"distributions": {"sample": "1.2"}, **fields}),
    )
    return pack(write_run(folder, header, *results, ended=ended))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# What is withheld


def unpublished(finding: Finding) -> bool:
    return finding.anomaly != "A6"


def test_withholding_takes_what_shows_a_finding_and_leaves_its_verdict(tmp_path: Path) -> None:
    publish(tmp_path, a_result("A6", Verdict.VIOLATED, a_case("A6", known="it is known")), a_result("S1"))
    whole = read(tmp_path)
    bare = withhold(whole, unpublished)
    rewrite(tmp_path, bare)
    found = read(tmp_path)
    assert SHOWING not in text_of(tmp_path / "evidence.jsonl")
    assert found.header.withheld == 1
    assert found.footer.digest != whole.footer.digest
    before, after = summary_of(whole), summary_of(found)
    assert (after.verdict, after.level, after.rows, after.counts) == (
        before.verdict,
        before.level,
        before.rows,
        before.counts,
    )
    assert [case.finding.key for case in after.cases] == ["A6-search-prefix-dash"]
    assert after.cases[0].withheld


def test_a_plan_that_shows_a_public_finding_too_is_withheld_with_the_other(tmp_path: Path) -> None:
    publish(tmp_path, a_result("A6", Verdict.VIOLATED, a_case("A1"), a_case("A6")))
    bare = withhold(read(tmp_path), unpublished)
    assert SHOWING not in bare.model_dump_json()
    assert bare.header.withheld == 2


def test_public_findings_keep_all_that_shows_them(tmp_path: Path) -> None:
    publish(tmp_path, a_result("A1", Verdict.VIOLATED, a_case("A1")))
    whole = read(tmp_path)
    assert withhold(whole, unpublished) == whole


@pytest.mark.parametrize(
    ("target", "anomaly", "relation", "public"),
    [
        ("mem0", "A9", "star", True),
        ("chroma", "S3", "empty", True),
        ("chroma", "A6", "int-float", False),
        ("chroma", "A1", "prefix-dash", False),
        ("scoped:chroma", "S3", "empty", True),
        ("langgraph-sqlite-3.1.0", "A1", "prefix-colon", True),
        ("langgraph-sqlite-3.1.0", "O1", "any", False),
        ("reference", "A1", "prefix-dash", False),
    ],
)
def test_a_finding_is_public_by_its_reference_or_by_what_is_shown_already(
    target: str,
    anomaly: str,
    relation: str,
    public: bool,  # noqa: FBT001
) -> None:
    finding = a_case(anomaly).finding.model_copy(
        update={"relation": relation, "operation": Operation.GET_ALL}
    )
    assert _public(target)(finding) is public


# What is remembered


def a_run(folder: Path) -> PastRun:
    evidence = read(folder)
    return past_run(evidence, summary_of(evidence))


def test_what_changed_is_new_still_or_gone_and_gone_only_if_it_was_asked_again(tmp_path: Path) -> None:
    publish(tmp_path / "a", a_result("A1", Verdict.VIOLATED, a_case("A1")), a_result("O1"))
    publish(tmp_path / "b", a_result("A1"), a_result("O1", Verdict.VIOLATED, a_case("O1")))
    publish(tmp_path / "c", a_result("A1"))
    publish(tmp_path / "d", a_result("A1", Verdict.INCONCLUSIVE), a_result("O1"))
    first, second, other, open_ = (a_run(tmp_path / name) for name in "abcd")
    assert changes(first, first).still == ("A1-search-prefix-dash",)
    change = changes(first, second)
    assert (change.new, change.gone) == (("O1-search-prefix-dash",), ("A1-search-prefix-dash",))
    for later in (other, open_):
        assert changes(first, later).gone == ()
        assert changes(first, later).unclear == ("A1-search-prefix-dash",)


def test_a_run_is_remembered_once_and_a_broken_history_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, a_result("A1"))
    run = a_run(tmp_path)
    remember(tmp_path, run)
    remember(tmp_path, run)
    assert read_past(tmp_path) == (run,)
    (tmp_path / "history.jsonl").write_text("{}\n")
    with pytest.raises(EvidenceError, match="line 1"):
        read_past(tmp_path)


# The sweep

SAID = "x.py:7: RuntimeDirWarning: a folder is not set\nisolation-tests: it broke.\nmore"


def sweep(monkeypatch: pytest.MonkeyPatch, root: Path, run: Callable[[Path], int]) -> Swept:
    """Sweep the reference, with a stand-in for the process that would certify it."""

    def instead(command: list[str], **_: Any) -> SimpleNamespace:
        folder = Path(command[command.index("--report") + 1])
        return SimpleNamespace(returncode=run(folder), stdout="", stderr=SAID)

    monkeypatch.setattr(subprocess, "run", instead)
    return sweep_targets(root, ["reference"], profile="quick")[0]


def certified(
    *results: CheckResult, status: int = 0, ended: str = "2026-02-03T04:05:06Z"
) -> Callable[[Path], int]:
    def run(folder: Path) -> int:
        packed = publish(folder, *results, ended=ended)
        (folder / "evidence.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
        (folder / "findings").mkdir()
        (folder / "findings" / "A1.json").write_text(SHOWING)
        return status

    return run


def test_a_sweep_publishes_without_what_shows_a_new_finding_and_remembers_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sweep(monkeypatch, tmp_path, certified(a_result("A1"), ended="2026-01-01T00:00:00Z"))
    assert first.sentence.startswith("HELD, level core")
    (tmp_path / "reference" / "certificate.json").write_text("of the first run")
    second = sweep(monkeypatch, tmp_path, certified(a_result("A1", Verdict.VIOLATED, a_case()), status=1))
    assert second.sentence.endswith("The proof of 1 of them is withheld.")
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {f"reference/{name}" for name in ("evidence.jsonl.gz", "history.jsonl", "report.html")}
    assert SHOWING not in text_of(tmp_path / "reference" / "report.html")
    assert [run.ended[:10] for run in read_past(tmp_path / "reference")] == ["2026-01-01"]
    write_site(tmp_path)
    page = text_of(tmp_path / "reference" / "index.html")
    assert "History (2 runs)" in page
    assert "New (1)" in page
    assert "withheld until there is a public reference" in page


def fails(_: Path) -> int:
    return 3


def dies(folder: Path) -> int:
    folder.joinpath("evidence.jsonl.partial").write_text("{")
    return 4


def lies(folder: Path) -> int:
    folder.joinpath("evidence.jsonl").write_text("{}")
    return 0


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (fails, "isolation-tests: it broke."),
        (dies, "isolation-tests: it broke."),
        (lies, "evidence.jsonl"),
    ],
)
def test_a_run_that_comes_to_nothing_leaves_what_was_published_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[[Path], int], told: str
) -> None:
    sentence = sweep(monkeypatch, tmp_path, run).sentence
    assert sentence.endswith("Nothing is published.")
    assert told in sentence
    assert not list(tmp_path.iterdir())
    sweep(monkeypatch, tmp_path, certified(a_result("A1")))
    before = {path: path.read_bytes() for path in (tmp_path / "reference").iterdir()}
    again = sweep(monkeypatch, tmp_path, run)
    assert again.sentence.endswith("The verdict of 2026-02-03 stays published.")
    assert {path: path.read_bytes() for path in (tmp_path / "reference").iterdir()} == before


def test_a_certificate_is_issued_for_what_was_published_and_a_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise EvidenceError("it is violated.")

    sweep(monkeypatch, tmp_path, certified(a_result("A1")))
    folders: list[Path] = []
    (one,) = sweep_targets(tmp_path, ["reference"], profile="quick", certify=folders.append)
    assert (one.sentence.endswith(". Certified."), folders) == (True, [tmp_path / "reference"])
    (one,) = sweep_targets(tmp_path, ["reference"], profile="quick", certify=refuse)
    assert one.sentence.endswith("No certificate: it is violated.")


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Six systems: held, violated, known, asked otherwise, hostile in all its texts, and refused."""
    root = tmp_path_factory.mktemp("reports")
    held = (a_result("A1"), a_result("O1"))
    publish(root / "alpha", *held, title="Alpha memory", tenancy="a key on every row")
    publish(
        root / "beta",
        a_result("A1", Verdict.VIOLATED, a_case()),
        a_result("O1"),
        ended="2026-02-01T00:00:00Z",
    )
    publish(root / "gamma", a_result("A1", Verdict.VIOLATED, a_case(known="as designed")), a_result("O1"))
    publish(root / "delta", a_result("A1"), suite_version="0.0.9")
    publish(root / "hostile", *held, name=HOSTILE, title=HOSTILE, tenancy=HOSTILE * 20_000)
    cut = publish(root / "refused", *held)
    cut.write_bytes(cut.read_bytes()[:200])
    publish(root / "local", *held)
    (root / "alpha" / "strength.json").write_text("{}")
    (root / "beta" / "history.jsonl").write_text("{}\n")
    return write_site(root, tmp_path_factory.mktemp("site"))


def test_every_folder_is_on_the_board_and_what_can_not_be_believed_says_so(site: Site) -> None:
    assert (site.systems, site.refused) == (6, ("refused",))
    index = text_of(site.index)
    assert "evidence refused: <bdi>refused/evidence.jsonl.gz has no footer" in index
    assert str(site.index.parent) not in index
    assert ">local<" not in index
    assert json.loads(text_of(site.index.parent / "refused" / "badge.json"))["message"] == "evidence refused"
    assert "alpha/strength.json is not a strength file" in index
    assert "Earlier runs are refused" in text_of(site.index.parent / "beta" / "index.html")


def test_a_row_says_that_it_was_asked_otherwise(site: Site) -> None:
    index = text_of(site.index)
    assert "Not all systems ran the same checks" in index
    assert index.count("other checks than most") == 1
    assert "isolation-tests 0.0.9" in index


def test_the_site_elsewhere_is_whole(site: Site) -> None:
    names = {path.name for path in (site.index.parent / "alpha").iterdir()}
    assert names == {"index.html", "badge.json", "evidence.jsonl.gz", "report.html", "strength.json"}
    for page in site.index.parent.rglob("index.html"):
        for link in re.findall(r'href="([^"#]+)', text_of(page)):
            assert (page.parent / link).is_file(), f"{page} leads to {link}"


def test_what_was_refused_later_leaves_nothing_of_what_it_was(tmp_path: Path) -> None:
    packed = publish(tmp_path / "in" / "alpha", a_result("A1"))
    write_site(tmp_path / "in", tmp_path / "out")
    packed.write_bytes(b"")
    write_site(tmp_path / "in", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out" / "alpha").iterdir()} == {"index.html", "badge.json"}


@pytest.mark.parametrize("name", ["index.html", "alpha/index.html", "refused/index.html"])
def test_the_policy_allows_the_inline_parts_by_their_digest_and_nothing_else(site: Site, name: str) -> None:
    page = text_of(site.index.parent / name)
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)[0].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        for part in re.findall(f"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL):
            digest = b64encode(hashlib.sha256(part.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.findall(r'\b(?:src|style|onclick)="', page)


def test_the_command_writes_the_board_and_ends_with_2_where_evidence_is_refused(tmp_path: Path) -> None:
    publish(tmp_path / "alpha", a_result("A1"))
    run = CliRunner().invoke(main, ["report", "board", str(tmp_path)])
    assert (run.exit_code, run.output) == (0, f"board: {tmp_path / 'index.html'}, 1 system\n")
    (tmp_path / "beta").mkdir()
    (tmp_path / "beta" / "report.html").write_text("HELD")
    run = CliRunner().invoke(main, ["report", "board", str(tmp_path)])
    assert run.exit_code == 2
    assert run.output.endswith("2 systems; evidence refused: beta\n")
    run = CliRunner().invoke(main, ["report", "board", str(tmp_path / "beta")])
    assert run.exit_code == 3


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=found)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The board, opened; nothing may be asked of a network and nothing may be told to the console."""
    opened = browser.new_page()
    opened.set_default_timeout(10_000)
    asked: list[str] = []
    told: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: told.append(message.text))
    opened.on("pageerror", lambda error: told.append(str(error)))
    opened.goto(site.index.as_uri())
    yield opened
    opened.close()
    assert told == []
    assert [url for url in asked if not url.startswith("file://")] == []


def shown(page: Page, table: int = 0) -> list[str]:
    rows = page.locator("table[data-board]").nth(table).locator("tbody tr:visible")
    return [str(row.get_attribute("data-system")) for row in rows.all()]


def test_filters_hide_rows_of_both_tables(page: Page) -> None:
    assert page.locator("#shown").inner_text() == "6 of 6 systems shown"
    page.fill("#filter-text", "every ROW")
    assert shown(page) == shown(page, 1) == ["alpha"]
    page.click("button[type=reset]")
    page.get_by_text("6 of 6 systems shown").wait_for()
    page.select_option("#filter-verdict", "VIOLATED")
    assert shown(page) == ["beta"]
    page.select_option("#filter-verdict", "evidence refused")
    assert shown(page) == ["refused"]
    page.select_option("#filter-verdict", "not tested")
    page.select_option("#filter-anomaly", "O1")
    assert shown(page) == ["delta"]
    page.select_option("#filter-verdict", "VIOLATED, known")
    page.select_option("#filter-anomaly", "A1")
    assert shown(page) == shown(page, 1) == ["gamma"]
    page.click("button[type=reset]")
    page.get_by_text("6 of 6 systems shown").wait_for()
    page.select_option("#filter-level", "core")
    assert shown(page) == ["alpha", "delta", "hostile"]
    assert page.locator("#shown").inner_text() == "3 of 6 systems shown"


def test_every_column_sorts_both_tables_both_ways(page: Page) -> None:
    heads = page.locator("table[data-board]").first.locator("thead th")
    heads.nth(1).locator("button").click()
    assert shown(page) == shown(page, 1)
    assert shown(page)[:3] == ["refused", "beta", "gamma"]
    assert heads.nth(1).get_attribute("aria-sort") == "ascending"
    heads.nth(1).locator("button").click()
    assert shown(page)[-3:] == ["gamma", "beta", "refused"]
    assert heads.nth(1).get_attribute("aria-sort") == "descending"
    anomaly = page.locator(".matrix thead th", has_text="A1 prefix")
    anomaly.locator("button").click()
    assert shown(page, 1)[:3] == ["refused", "beta", "gamma"]
    assert page.locator("th[aria-sort]").count() == 1
    heads.nth(6).locator("button").click()
    assert shown(page)[:2] == ["refused", "beta"]


def test_it_is_used_with_the_keyboard_alone(page: Page) -> None:
    page.focus("#filter-text")
    page.keyboard.type("alpha")
    assert shown(page) == ["alpha"]
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("6 of 6 systems shown").wait_for()
    assert len(shown(page)) == 6
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort]").inner_text().strip() == "Verdict"
    assert shown(page)[0] == "refused"


def test_a_cell_leads_to_the_anomaly_on_the_systems_page(page: Page) -> None:
    page.locator('tr[data-system="beta"] td[data-anomaly="A1"] a').click()
    assert page.url.endswith("/beta/index.html#A1")
    assert "VIOLATED" in page.locator("tr:target").inner_text()


def test_texts_of_a_target_stay_texts(page: Page, site: Site) -> None:
    assert page.locator("main img, main script").count() == 0
    assert page.locator('tr[data-system="hostile"] th').first.inner_text().startswith("<script>")
    page.goto((site.index.parent / "hostile" / "index.html").as_uri())
    assert page.title().startswith("held: user isolation of <script>")
    assert page.locator("main img, main script").count() == 0
    assert len(page.content()) < 100_000


def test_without_a_script_everything_is_there(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(site.index.as_uri())
    assert len(shown(opened)) == len(shown(opened, 1)) == 6
    assert opened.locator("#filters").is_hidden()
    assert opened.locator("thead button").count() == 0
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_in_light_and_dark(browser: Browser, site: Site, scheme: Any, width: int) -> None:
    opened = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    for name in ("index.html", "alpha/index.html", "beta/index.html", "refused/index.html"):
        opened.goto((site.index.parent / name).as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        dark = opened.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark is (scheme == "dark")
        assert opened.evaluate(CONTRASTS) == []
    opened.close()


CONTRASTS = """() => {
  const light = (text) => {
    const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = text.match(/[0-9.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!colour.startsWith("rgba(") ) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const element of document.querySelectorAll("td, th, p, a, dt, dd, small, caption, button, label")) {
    const both = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    if ((both[0] + 0.05) / (both[1] + 0.05) < 4.5) poor.push(element.outerHTML.slice(0, 80));
  }
  return poor;
}"""
"""Text below WCAG's contrast of 4.5: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
