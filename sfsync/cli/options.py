"""Options that many commands share, so that they are spelled and explained the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from sfsync.cli.console import Console

F = TypeVar("F", bound=Callable[..., Any])

project_option = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SFSYNC_PROJECT",
    metavar="DIR",
    help="Project folder. Default: the nearest one upward that holds sfsync.yml.",
)

target_org_option = click.option(
    "--target-org",
    "-o",
    envvar="SF_TARGET_ORG",
    metavar="ALIAS",
    help="Org to talk to: an alias of sfsync.yml, or a login that the sf CLI keeps.",
)


def json_option(command: F) -> F:
    """Add `--json`, and hand the command its `console` (which knows whether `--json` was given)."""

    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        console = ctx.ensure_object(Console)
        console.json = console.json or value

    option = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,  # before anything else can fail, so that the failure is told in JSON too
        callback=remember,
        help="Print one JSON object on stdout, in the sf CLI's envelope.",
    )
    return option(command)


def together(name: str, kind: type, *options: Callable[[F], F]) -> Callable[[F], F]:
    """Options that say one thing between them: the command gets them as one value.

    Args:
        name: Of the argument that the command gets.
        kind: What it is: a dataclass with a field for each option, by the name that click has for it.
        options: As help lists them.
    """
    taken = [each.name for each in fields(kind)]

    def decorate(command: F) -> F:
        @wraps(command)
        def gathering(*args: Any, **values: Any) -> Any:
            values[name] = kind(**{each: values.pop(each) for each in taken})
            return command(*args, **values)

        decorated = cast("F", gathering)
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


pass_console = click.make_pass_decorator(Console, ensure=True)
