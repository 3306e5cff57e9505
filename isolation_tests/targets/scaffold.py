"""The first file of a target: what has to be asked, and a target's file or an adapter that runs at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isolation_tests.core import packaged
from isolation_tests.core.errors import UsageProblem

__all__ = ["KINDS", "Question", "next_question", "next_steps", "write_target"]

Answers = Mapping[str, str]
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_URL = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)?")
_PATH = re.compile(r"/[^?#\s]*")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COMMAND = re.compile(r"[^'\"`]*\S[^'\"`]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AUTHS = ("none", "bearer", "header", "cookie", "sign-in")


def _always(_answers: Answers) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know before a target's file can be written.

    name: of the answer, and of its flag. text: asks for it. due: what an answer looks like, for the sentence
    on one that is wrong. default: what most people answer; `{NAME}` in it is the target's name in capitals.
    form: what an answer has to match. choices: the only answers there are, if any. wanted: whether it matters
    after the answers so far.
    """

    name: str
    text: str
    due: str
    default: str
    form: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    wanted: Callable[[Answers], bool] = _always

    def check(self, answer: str) -> str:
        """The answer; raises `UsageProblem` where it is none."""
        fits = answer in self.choices if self.choices else bool(answer.strip())
        if fits and (self.form is None or self.form.fullmatch(answer)):
            return answer
        near = get_close_matches(answer, self.choices, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"write {self.due}."
        raise UsageProblem(f"{self.name} can't be {answer!r}; {hint}")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to begin. templates: file name pattern -> template. questions: in the order they are asked."""

    title: str
    templates: Mapping[str, str]
    questions: tuple[Question, ...] = ()


def _shares_credential(answers: Answers) -> bool:
    return answers.get("auth") in ("header", "cookie")


def _shows_credential(answers: Answers) -> bool:
    return answers.get("auth", "none") != "none"


def _signs_in(answers: Answers) -> bool:
    return answers.get("auth") == "sign-in"


def _names_user(answers: Answers) -> bool:
    return not _signs_in(answers) and "{user}" not in answers.get("path", "")


_ANSWER = (
    Question(
        "items",
        "Where an answer has its list of memories (JMESPath; @ is the answer itself)",
        "a JMESPath such as memories",
        "@",
    ),
    Question("id", "Where a memory has its id (JMESPath)", "a JMESPath such as id", "id"),
    Question("text", "Where a memory has its text (JMESPath)", "a JMESPath such as text", "text"),
)
_HTTP = (
    Question(
        "base_url",
        "Address of the service",
        "an address such as http://127.0.0.1:8000",
        "http://127.0.0.1:8000",
        _URL,
    ),
    Question(
        "auth",
        "How a request shows who makes it (none, bearer, header, cookie; sign-in: a call for each user)",
        f"one of {', '.join(_AUTHS)}",
        "none",
        choices=_AUTHS,
    ),
    Question(
        "auth_name",
        "Name of that header or cookie",
        "a name such as X-API-Key",
        "X-API-Key",
        _WORD,
        wanted=_shares_credential,
    ),
    Question(
        "secret",
        "Environment variable that holds the secret",
        "a variable's name such as NOTES_KEY, never the secret itself",
        "{NAME}_KEY",
        _VARIABLE,
        wanted=_shows_credential,
    ),
    Question(
        "sign_in_path", "Path to sign in", "a path such as /sign-in", "/sign-in", _PATH, wanted=_signs_in
    ),
    Question(
        "token",
        "Where the answer to a sign-in has the token (JMESPath)",
        "a JMESPath such as token",
        "token",
        wanted=_signs_in,
    ),
    Question(
        "path",
        "Path of the memories, {user} where the user stands in it",
        "a path such as /memories or /users/{user}/memories",
        "/memories",
        _PATH,
    ),
    Question(
        "user_field",
        "Field that names the user in a query or a body",
        "a field's name such as user_id",
        "user_id",
        _WORD,
        wanted=_names_user,
    ),
    *_ANSWER,
)
_MCP = (
    Question(
        "server",
        "Command that starts the server, or its address",
        "a command without quotes such as `uvx my-server --local`, or an address that begins with http://",
        "http://127.0.0.1:8000/mcp",
        _COMMAND,
    ),
    Question("user_argument", "Argument that names the user", "a name such as user_id", "user_id", _WORD),
    *(
        Question(f"{operation}_tool", f"Tool that {does}", f"a tool's name such as {usual}", usual)
        for operation, does, usual in (
            ("add", "stores a memory", "add_memory"),
            ("search", "searches memories", "search_memories"),
            ("get_all", "lists all memories", "list_memories"),
            ("delete_all", "deletes all memories", "delete_all_memories"),
        )
    ),
    *_ANSWER,
)
KINDS: Mapping[str, Kind] = {
    "python": Kind(
        "an adapter in Python, with its target",
        {"{module}.py": "adapter.py.j2", "{name}.toml": "python.toml.j2"},
    ),
    "http": Kind("an HTTP service, described without Python", {"{name}.toml": "http.toml.j2"}, _HTTP),
    "mcp": Kind("an MCP server, described without Python", {"{name}.toml": "mcp.toml.j2"}, _MCP),
}
"""What can be begun with; another kind is a template and its questions."""


def next_question(kind: str, name: str, answers: Answers) -> Question | None:
    """The next thing to ask, after the answers so far; None when all is known.

    name: the target's. answers: by a question's name, given by flags or already asked for; each is checked.
    Raises `UsageProblem` for a kind that does not exist and for an answer that is wrong.
    """
    for question in _known(kind).questions:
        if not question.wanted(answers):
            continue
        if question.name not in answers:
            return replace(question, default=_default(question, name))
        question.check(answers[question.name])
    return None


def write_target(
    kind: str, name: str, folder: Path, answers: Answers | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Write the files of a new target and return their paths, the one to run last.

    name: small letters, digits and dashes. answers: as `next_question` asks for them; what is left out
    gets its default. Raises `UsageProblem` for a bad name or answer, for a folder that is not there, and for
    a file that is, unless `overwrite`.
    """
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"A target can't be called {name!r}; write small letters, digits and dashes, as in my-memory."
        )
    if not folder.is_dir():
        raise UsageProblem(f"There is no folder {folder}; make it, or name another.")
    chosen = _known(kind)
    values = _values(chosen, name, answers or {})
    paths = {folder / pattern.format(**values): template for pattern, template in chosen.templates.items()}
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        raise UsageProblem(f"{there[0]} is there already; choose another name, or replace it with --force.")
    rendered = {path: _rendered(template, values) for path, template in paths.items()}
    for path, content in rendered.items():
        try:
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise UsageProblem(
                f"{path} can't be written: {error.strerror}; choose another folder."
            ) from error
    return list(rendered)


def next_steps(kind: str, name: str, folder: Path, answers: Answers | None = None) -> list[str]:
    """The commands that come next, for people: setting the secret if there is one, and the run."""
    values = _values(_known(kind), name, answers or {})
    secret = [f"export {values['secret']}=..."] if values.get("secret") else []
    return [*secret, f"isolation-tests run {folder / name}.toml --profile quick"]


def _known(kind: str) -> Kind:
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}."
        raise UsageProblem(f"There is nothing to begin with called {kind!r}; {hint}")
    return KINDS[kind]


def _values(kind: Kind, name: str, answers: Answers) -> dict[str, Any]:
    """What the templates need: each answer or its default, and the names."""
    module = f"{name.replace('-', '_')}_adapter"
    values: dict[str, Any] = {"name": name, "module": module, "file": f"{name}.toml"}
    asked = {question.name: question for question in kind.questions}
    for given in answers:
        if given not in asked:
            near = get_close_matches(given, asked, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(asked) or 'none'}."
            raise UsageProblem(f"There is no answer called {given!r} here; {hint}")
    for question in kind.questions:
        answer = answers.get(question.name, _default(question, name))
        values[question.name] = question.check(answer) if question.wanted(values) else None
    return values | {"user": values.get("user_field")}


def _default(question: Question, name: str) -> str:
    return question.default.replace("{NAME}", name.replace("-", "_").upper())


def _rendered(template: str, values: Mapping[str, Any]) -> str:
    environment = Environment(  # noqa: S701 - the files are TOML and Python: texts are quoted by the filter
        loader=FileSystemLoader(packaged.folder("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["toml"] = _toml
    return environment.get_template(template).render(values)


def _toml(value: str | list[str]) -> str:
    """Texts as TOML has them: JSON's quoting, but for one character that TOML wants escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
