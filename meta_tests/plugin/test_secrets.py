"""Secrets and strangers' words, planted wherever they can come from, are in no byte that a run writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

SECRETS = {
    "option": "plantedOption7d1",
    "nested": "plantedNested7d2",
    "session": "plantedSession7d3",
    "pat": "plantedPat7d4",
    "argument": "plantedArgument7d5",
    "url": "plantedUrl7d6",
    "signature": "plantedSig7d7",
    "webhook": "plantedHook7d8",
    "variable": "plantedVariable7d9",
    "header": "plantedHeader7da",
    "cookie": "plantedCookie7db",
    "error": "plantedError7dc",
    "close": "plantedClose7dd",
}
STRANGER = "Grandmother's recipe is under the third tile."
STRANGERS_ID = "stranger-row-4711"
IBAN = "DE44500105175407324931"

ADAPTER = f'''
import os, sys, uuid
from isolation_tests.adapter import Memory, Refused

STRANGER = {STRANGER!r}
ROWS = {{"grandmother": {{{STRANGERS_ID!r}: STRANGER}}}}


class Store:
    """Shows a stranger's words wherever it can, and tells secrets in its errors."""

    def __init__(self, **options):
        self.options = options
        self.calls = 0

    def _count(self):
        self.calls += 1
        if self.calls % 37 == 0:
            raise RuntimeError(
                "POST https://api:{SECRETS["url"]}@host/v1?sig={SECRETS["signature"]} failed; "
                "Authorization: Bearer {SECRETS["header"]}\\nSet-Cookie: sid={SECRETS["cookie"]}; "
                "--api-key {SECRETS["argument"]} https://hooks.example.com/services/T0/{SECRETS["webhook"]} "
                "{{'password': '{SECRETS["error"]}'}} \\x1b]0;owned\\x07 " + STRANGER
            )

    def add(self, user, text):
        self._count()
        if not isinstance(user, str) or not user.strip():
            raise Refused("no user; last was " + STRANGER)
        id = uuid.uuid4().hex
        ROWS.setdefault(user, {{}})[id] = text
        return [Memory(id, text, {{"beside": STRANGER}})]

    def get_all(self, user):
        own = [Memory(i, t + " " + STRANGER, {{"note": STRANGER}}) for i, t in ROWS.get(user, {{}}).items()]
        return [*own, Memory({STRANGERS_ID!r}, STRANGER, {{STRANGER: STRANGER}})]

    def search(self, user, query, *, limit):
        everybody = [Memory(i, t) for rows in ROWS.values() for i, t in rows.items()]
        return sorted(everybody, key=lambda row: row.text != query)[:limit]

    def get(self, user, id):
        raise Refused(f"{{id}} is of {IBAN}: " + STRANGER)

    def delete_all(self, user):
        ROWS.pop(user, None)

    def close(self):
        raise ConnectionError("postgresql://app:{SECRETS["close"]}@db/{IBAN}: " + STRANGER)
'''
TARGET = f"""
name = "planted"
adapter = "adapter.py:Store"
disposable = DISPOSABLE
variables = ["PLANTED"]
[options]
api_key = "{SECRETS["option"]}"
session = "{SECRETS["session"]}"
pat = "{SECRETS["pat"]}"
hook = "https://hooks.example.com/services/T0/B0/{SECRETS["webhook"]}"
url = "https://app:{SECRETS["url"]}@127.0.0.1/x?sig={SECRETS["signature"]}"
args = ["--quiet", "--api-key", "{SECRETS["argument"]}"]
[options.llm.config]
bearer = "{SECRETS["nested"]}"
headers = {{ "X-Api-Key" = "{SECRETS["header"]}", Cookie = "{SECRETS["cookie"]}" }}
"""
EXPORTS = ("x.md", "x.csv", "x.sarif", "x.ctrf.json", "x.oscal.json", "x.badge.json", "x.svg")


def written(folder: Path) -> dict[str, str]:
    """Every file that the run wrote, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("utf-8", "replace")
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in ("adapter.py", "target.toml")
        and "__pycache__" not in path.parts
    }


def command(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "isolation_tests", *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=300,
        env={
            **os.environ,
            "PLANTED": SECRETS["variable"],
            "ISOLATION_OPTIONS": f"token={SECRETS['variable']}",
        },
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("disposable", ["true", "false"])
def test_no_planted_secret_and_no_strangers_word_is_in_any_byte(tmp_path: Path, disposable: str) -> None:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "target.toml").write_text(TARGET.replace("DISPOSABLE", disposable), encoding="utf-8")
    exports = [f"--export=out/{name}" for name in EXPORTS if not name.endswith((".svg", ".badge.json"))]
    said = {
        "run": command(
            tmp_path, "run", "target.toml", "--profile", "quick", "--report", "out", "-v", "-n", "0",
            "--junit", "junit.xml", "--budget", "requests=2500", *exports,
        )
    }  # fmt: skip
    assert "VIOLATED" in said["run"], said["run"][-2000:]
    replays = sorted((tmp_path / "out" / "findings").glob("*.json"))
    assert replays
    said["replay"] = command(tmp_path, "replay", str(replays[0]), "-v")
    said["keygen"] = command(tmp_path, "report", "keygen", "key.pem")
    said["certify"] = command(tmp_path, "report", "certify", "out", "--key", "key.pem")
    outputs = {**written(tmp_path), **said}
    assert {"junit.xml", "out/evidence.jsonl", "out/report.html", "out/x.sarif"} <= set(outputs)

    planted = [*SECRETS.values(), STRANGER, "third tile", STRANGERS_ID, IBAN]
    found = {
        f"{text} in {name}: …{content[max(0, content.index(text) - 80) : content.index(text) + 40]!r}"
        for name, content in outputs.items()
        for text in planted
        if text in content
    }
    assert not found
    steering = re.compile("[\x07\x1b\u202e]")
    shown = {name: re.sub("\x1b\\[[0-9;]*m", "", said[name]) for name in said}
    assert not [name for name, text in shown.items() if steering.search(text)]
