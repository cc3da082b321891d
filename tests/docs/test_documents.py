"""The documents say what is true: links lead somewhere, commands exist, settings and mappings in them are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from sfsync.audit.examples import try_rules
from sfsync.audit.load import parse_rule
from sfsync.audit.relations.relation import RelationFile
from sfsync.cli import cli
from sfsync.config.problems import read_model
from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.mapping.load import parse_mapping

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(page.read_text("utf-8")) if kind == language]


@pages
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    prose = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pages
def test_every_command_in_the_documents_exists(page: Path) -> None:
    text = "\n".join([*blocks(page, "sh"), *re.findall(r"`(sfsync [^`]+)`", FENCE.sub("", page.read_text("utf-8")))])
    for words in re.findall(r"(?:^|[\s/|&])sfsync ((?:[a-z]+ ?)*)", text):
        command: click.Command = cli
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, f"{page.name} names `sfsync {words}`"
            command = found


@pages
def test_every_option_in_the_documents_exists(page: Path) -> None:
    for line in "\n".join(blocks(page, "sh")).splitlines():
        for words, rest in re.findall(r"(?:^|[\s/])sfsync ((?:[a-z]+ )*)([^|&#]*)", line):
            command: click.Command = cli
            for word in words.split():
                found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
                if found is None:
                    break
                command = found
            known = {option for parameter in command.params for option in parameter.opts}
            for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
                assert option in known | {"--help"}, f"{page.name}: {line}"


@pages
def test_settings_and_mappings_in_the_documents_are_valid(page: Path) -> None:
    for body in blocks(page, "yaml"):
        if "\neligible:" in body:
            rule = parse_rule(body, page.name)
            assert [each for each in try_rules([rule]) if each.differences] == []
        elif "\ncolumns:" in body:
            read_model(RelationFile, parse_yaml(body, page.name))
        elif "\nobject:" in "\n" + body:
            parse_mapping(body)
        else:
            settings_from(parse_yaml(body, page.name))


def test_every_command_is_documented_with_an_example_and_a_summary() -> None:
    for name in cli.list_commands(click.Context(cli)):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help, name
        if not isinstance(command, click.Group):
            assert "Examples:" in command.help, name


def test_the_changelog_names_every_command() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert name in changes, name


def test_the_readme_s_own_test_passes(fake_org: object) -> None:
    (example,) = [body for body in blocks(ROOT / "README.md", "python") if "def test_" in body]
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    names["test_my_integration"](fake_org)
