"""What a sentence tells somebody to do can be done: every command, option, make target and page in it exists."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import parser
from app.serving.__main__ import parser as serve_parser

ROOT = Path(__file__).resolve().parents[1]
DOCS = ["*.md", "docs/*.md", "bgad_core/*.md", "deploy/**/*", "compose.yaml", "Dockerfile", "Makefile"]
PROGRAMS = {"bgad-inspect": parser(), "bgad-serve": serve_parser()}
COMMAND = re.compile(r"(?<![\w/-])(?:\.venv/bin/)?(bgad-inspect|bgad-serve) +([^`\n\"'<>;,|&()#:]*)")
TARGET = re.compile(r"`make ([a-z][a-z0-9-]*)|\bmake ((?:install|bench|soak|test)-[a-z0-9-]+)")
LINE = re.compile(r"^(?:[A-Z_]+=\S+ +)*make ([a-z][a-z0-9-]*)", re.MULTILINE)  # in a block of code
PAGE = re.compile(
    r"\b(?:the|The|its|'s|a|on)\s+\*?([A-Z][a-z]+(?: [a-z]+){0,2})\*?\s+page\b|\bpages? +\*([A-Z][a-z ]+)\*"
)
OPTION = re.compile(r"(?<![\w-])(?<!var\()--[a-z][a-z-]+(?![\w-]*:)")  # and no variable of a style sheet
OTHERS = re.compile(r"pip install [^`]*")


def strings(path: Path) -> Iterator[str]:
    """The sentences of a Python file, what is filled in as X."""

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


CODE = [path for folder in ("app", "bgad_core", "storage") for path in sorted((ROOT / folder).rglob("*.py"))]
TEXTS = sorted({path for pattern in DOCS for path in ROOT.glob(pattern) if path.is_file()})
SAID = [(path, text) for path in CODE for text in strings(path)]
WRITTEN = [(path, path.read_text(encoding="utf-8").replace("\\\n", " ")) for path in TEXTS]


def commands_of(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the words that may come next; none where the command is complete."""
    return next((dict(action.choices) for action in top._actions if isinstance(action.choices, dict)), {})


def options_of(top: argparse.ArgumentParser) -> set[str]:
    """The long options of a parser and of all below it."""
    below = (options_of(each) for each in commands_of(top).values())
    return {name for name in top._option_string_actions if name.startswith("--")}.union(*below)


def wrong_in(program: str, words: list[str]) -> str | None:
    """What of a command line there is not; None when all of it is there."""
    place = PROGRAMS[program]
    while (further := commands_of(place)) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        if words[0] not in further:
            return words[0]
        place, words = further[words[0]], words[1:]
    if further and place is not PROGRAMS[program]:
        return f"command {' '.join(words)}".strip()
    known = options_of(place)
    return next((word for word in words if OPTION.fullmatch(word) and word not in known), None)


def wrong_commands(said: list[tuple[Path, str]]) -> list[str]:
    found = ((path, match) for path, text in said for match in COMMAND.finditer(text))
    return [
        f"{path.relative_to(ROOT)}: {match[0].strip()} (there is no {wrong})"
        for path, match in found
        if (wrong := wrong_in(match[1], match[2].rstrip(" .").split()))
    ]


def test_every_command_that_is_named_is_one():
    assert len([1 for path, text in SAID + WRITTEN if COMMAND.search(text)]) > 30, "the pattern finds what there is"
    assert wrong_commands(SAID + WRITTEN) == []


def test_every_option_that_a_sentence_names_is_one():
    known = set().union(*map(options_of, PROGRAMS.values()))
    named = {(path, option) for path, text in SAID if " " in text for option in OPTION.findall(OTHERS.sub("", text))}
    assert len(named) > 10
    assert [f"{path.relative_to(ROOT)}: {option}" for path, option in sorted(named) if option not in known] == []


def test_every_make_target_that_is_named_is_one():
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {(path, a or b) for path, text in SAID + WRITTEN for a, b in TARGET.findall(text)}
    named |= {(path, name) for path, text in WRITTEN for name in LINE.findall(text)}
    assert len(named) > 20
    assert [f"{path.relative_to(ROOT)}: make {name}" for path, name in sorted(named) if name not in targets] == []


def test_every_page_that_is_named_is_one():
    """By its title, as the navigation shows it."""
    shell = ast.parse((ROOT / "app/ui/shell/main.py").read_text(encoding="utf-8"))
    pages = next(
        node.value for node in ast.walk(shell) if isinstance(node, ast.AnnAssign) and node.target.id == "PAGES"
    )
    titles = {row.elts[2].value for row in pages.elts}
    named = {(path, a or b) for path, text in SAID + WRITTEN for a, b in PAGE.findall(text)}
    assert {"Members", "Label", "Operating point"} <= titles & {name for _, name in named}
    assert [f"{path.relative_to(ROOT)}: {name} page" for path, name in sorted(named) if name not in titles] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("run `bgad-inspect serv` again", "serv"),
        ("bgad-inspect user lists", "lists"),
        ("say `bgad-inspect tidy --purge`", "--purge"),
        ("`bgad-serve run x.bgad`", "run"),
        ("made by `bgad-inspect token`", "command"),
        ("bgad-inspect token NAME --tokens tokens.txt", "command NAME --tokens tokens.txt"),
        ("`bgad-inspect token add NAME --user ann`, then", None),
    ],
)
def test_what_there_is_not_is_found(line, wrong):
    found = COMMAND.search(line)
    assert wrong_in(found[1], found[2].split()) == wrong
