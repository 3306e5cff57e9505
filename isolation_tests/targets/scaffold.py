"""Writes the first files of a target: the questions to ask, and a target's file that works right away."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isolation_tests.core import packaged
from isolation_tests.core.errors import UsageProblem
from isolation_tests.targets.toml_text import toml

__all__ = [
    "KINDS",
    "Question",
    "next_question",
    "next_steps",
    "rendered",
    "require_place",
    "write_files",
    "write_target",
]

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
    """One question to answer before a target's file can be written.

    name: of the answer, as in `--set NAME=VALUE`. text: the prompt. due: what a right answer looks like, for
    the message about a wrong one. default: the most common answer; `{NAME}` in it is the target's name in
    capitals. form: the pattern of a right answer. choices: the allowed answers, if they are limited. wanted:
    whether the question matters, given the answers so far.
    """

    name: str
    text: str
    due: str
    default: str
    form: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    wanted: Callable[[Answers], bool] = _always

    def check(self, answer: str) -> str:
        """The answer; raises `UsageProblem` if it is not valid."""
        fits = answer in self.choices if self.choices else bool(answer.strip())
        if fits and (self.form is None or self.form.fullmatch(answer)):
            return answer
        near = get_close_matches(answer, self.choices, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"write {self.due}."
        raise UsageProblem(f"{self.name} can't be {answer!r}; {hint}")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of target. templates: file name pattern -> template. questions: in the order of asking."""

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
        "JMESPath to the list of memories in an answer (@ for the answer itself)",
        "a JMESPath such as memories",
        "@",
    ),
    Question("id", "JMESPath to a memory's id", "a JMESPath such as id", "id"),
    Question("text", "JMESPath to a memory's text", "a JMESPath such as text", "text"),
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
        "How requests are authenticated (none, bearer, header, cookie, or sign-in for each user)",
        f"one of {', '.join(_AUTHS)}",
        "none",
        choices=_AUTHS,
    ),
    Question(
        "auth_name",
        "Name of the header or cookie",
        "a name such as X-API-Key",
        "X-API-Key",
        _WORD,
        wanted=_shares_credential,
    ),
    Question(
        "secret",
        "Environment variable that holds the secret",
        "the name of a variable such as NOTES_KEY, never the secret itself",
        "{NAME}_KEY",
        _VARIABLE,
        wanted=_shows_credential,
    ),
    Question(
        "sign_in_path", "Path of the sign-in", "a path such as /sign-in", "/sign-in", _PATH, wanted=_signs_in
    ),
    Question(
        "token",
        "JMESPath to the token in the answer to a sign-in",
        "a JMESPath such as token",
        "token",
        wanted=_signs_in,
    ),
    Question(
        "path",
        "Path of the memories, with {user} if the user is part of it",
        "a path such as /memories or /users/{user}/memories",
        "/memories",
        _PATH,
    ),
    Question(
        "user_field",
        "Field of a query or body that names the user",
        "the name of a field such as user_id",
        "user_id",
        _WORD,
        wanted=_names_user,
    ),
    *_ANSWER,
)
_MCP = (
    Question(
        "server",
        "Command that starts the server, or the server's address",
        "a command without quotes such as `uvx my-server --local`, or an address that begins with http://",
        "http://127.0.0.1:8000/mcp",
        _COMMAND,
    ),
    Question("user_argument", "Argument that names the user", "a name such as user_id", "user_id", _WORD),
    *(
        Question(f"{operation}_tool", f"Tool that {does}", f"the name of a tool such as {usual}", usual)
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
        "an adapter in Python, with its target's file",
        {"{module}.py": "adapter.py.j2", "{name}.toml": "python.toml.j2"},
    ),
    "http": Kind("a description of an HTTP service", {"{name}.toml": "http.toml.j2"}, _HTTP),
    "mcp": Kind("a description of an MCP server", {"{name}.toml": "mcp.toml.j2"}, _MCP),
    "process": Kind(
        "a bridge in JavaScript, with the helper that it uses and its target's file",
        {
            "bridge.mjs": "bridge.mjs",
            "bridge.d.mts": "bridge.d.mts",
            "{name}.mjs": "process.mjs.j2",
            "{name}.toml": "process.toml.j2",
        },
    ),
}
"""The kinds of targets. To add one, write a template and its questions."""


def next_question(kind: str, name: str, answers: Answers) -> Question | None:
    """The next question, given the answers so far; None when there are no more.

    name: of the target. answers: by the question's name; each is checked. Raises `UsageProblem` for an
    unknown kind and for a wrong answer.
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
    """Write the files of a new target and return their paths, with the target's file last.

    name: lower-case letters, digits and dashes. answers: as for `next_question`; a missing answer gets its
    default. Raises `UsageProblem` for a bad name or answer, for a missing folder, and for an existing file
    with other content unless `overwrite` is true.
    """
    require_place(name, folder)
    chosen = _known(kind)
    values = _values(chosen, name, answers or {})
    paths = {folder / pattern.format(**values): template for pattern, template in chosen.templates.items()}
    write_files({path: rendered(template, values) for path, template in paths.items()}, overwrite=overwrite)
    return list(paths)


def require_place(name: str, folder: Path) -> None:
    """Raise `UsageProblem` for a bad name of a target, and for a missing folder."""
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"{name!r} can't be a target's name; use lower-case letters, digits and dashes, as in my-memory."
        )
    if not folder.is_dir():
        raise UsageProblem(f"There is no folder {folder}; create it, or name another.")


def write_files(contents: Mapping[Path, str], *, overwrite: bool) -> None:
    """Write all files or none; raises `UsageProblem` for an existing one with other content."""
    there = [path for path, content in contents.items() if _differs(path, content)]
    if there and not overwrite:
        raise UsageProblem(f"{there[0]} already exists; choose another name, or replace it with --force.")
    for path, content in contents.items():
        try:
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise UsageProblem(
                f"{path} can't be written: {error.strerror}; choose another folder."
            ) from error


def _differs(path: Path, content: str) -> bool:
    """Whether there is something else: the helper of two bridges in one folder is the same."""
    return path.exists() and not (path.is_file() and path.read_bytes() == content.encode())


def next_steps(kind: str, name: str, folder: Path, answers: Answers | None = None) -> list[str]:
    """The commands to run next: one that sets the secret, if there is one, and one that tests the target."""
    values = _values(_known(kind), name, answers or {})
    secret = [f"export {values['secret']}=..."] if values.get("secret") else []
    return [*secret, f"isolation-tests run {folder / name}.toml --profile quick"]


def _known(kind: str) -> Kind:
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose {', '.join(KINDS)}."
        raise UsageProblem(f"There is no kind of target called {kind!r}; {hint}")
    return KINDS[kind]


def _values(kind: Kind, name: str, answers: Answers) -> dict[str, Any]:
    """The values for the templates: each answer or its default, and the names."""
    module = f"{name.replace('-', '_')}_adapter"
    values: dict[str, Any] = {"name": name, "module": module, "file": f"{name}.toml"}
    asked = {question.name: question for question in kind.questions}
    for given in answers:
        if given not in asked:
            near = get_close_matches(given, asked, n=1)
            all_of_them = f"the settings are {', '.join(asked)}." if asked else "it has none."
            hint = f"did you mean {near[0]!r}?" if near else all_of_them
            raise UsageProblem(f"There is no setting {given!r} for this kind of target; {hint}")
    for question in kind.questions:
        answer = answers.get(question.name, _default(question, name))
        values[question.name] = question.check(answer) if question.wanted(values) else None
    secrets = [values["secret"]] if values.get("secret") else []
    return values | {"user": values.get("user_field"), "variables": secrets}


def _default(question: Question, name: str) -> str:
    return question.default.replace("{NAME}", name.replace("-", "_").upper())


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """The content of a file that a template describes."""
    environment = Environment(  # noqa: S701 - the files are TOML and Python: texts are quoted by the filter
        loader=FileSystemLoader([packaged.folder("templates"), packaged.folder("bridges") / "js"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["toml"] = toml
    return environment.get_template(template).render(values)
