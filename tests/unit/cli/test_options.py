from __future__ import annotations

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from sfsync.cli.options import json_option, pass_console, together


@dataclass(frozen=True)
class Span:
    since: int | None
    until: int
    loud: bool


@click.command
@click.option("--before")
@together(
    "span",
    Span,
    click.option("--since", type=int),
    click.option("--until", type=int, default=9),
    click.option("--loud", is_flag=True),
)
@click.option("--after")
@json_option
@pass_console
def command(console, before, span, after):
    click.echo(f"{console.json} {before} {span} {after}")


@pytest.mark.parametrize(
    ("given", "span"),
    [
        ([], Span(None, 9, loud=False)),
        (["--since", "3", "--loud"], Span(3, 9, loud=True)),
    ],
)
def test_options_that_say_one_thing_reach_the_command_as_one_value(given, span):
    done = CliRunner().invoke(command, [*given, "--after", "x", "--json"])
    assert done.output == f"True None {span} x\n"


def test_help_lists_options_that_stand_together_in_their_order():
    with click.Context(command) as ctx:
        named = [each.opts[0] for each in command.get_params(ctx)]
    assert named == ["--before", "--since", "--until", "--loud", "--after", "--json", "--help"]


def test_a_wrong_value_is_refused_under_the_name_of_its_own_option():
    done = CliRunner().invoke(command, ["--until", "soon"])
    assert done.exit_code == 2
    assert "--until" in done.output
