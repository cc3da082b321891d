"""`sfsync fake serve`: a fake org over TLS, for clients in any language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, together
from sfsync.errors import UsageError

if TYPE_CHECKING:
    from sfsync.fake import FakeOrg


HELP = """Serve a fake org over TLS on this machine until interrupted.

\b
Examples:
  sfsync fake serve                                  a made-up org on https://localhost:8443
  sfsync fake serve --data ./export --ca-file ca.pem
  sfsync fake serve --port 0 --seed 7 --leads 5000 --json
  sfsync fake serve --weather storm.yml              with trouble as the file scripts it
  sfsync fake serve --setup org.json                 empty, with custom fields as the file says

Clients need the address, the token and the certificate, e.g. REQUESTS_CA_BUNDLE=ca.pem or NODE_EXTRA_CA_CERTS.
With --json, one line is printed when the server is ready: {"url", "token", "ca_file", "pid"}.
Levers for this machine: /_fake/state, /_fake/reset, /_fake/clock, /_fake/weather, /_fake/calls.
"""

#: From so many leads on, making an org up takes long enough to say so.
_LARGE = 20_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the org comes from: a folder's files, a seed, or nothing but what is set up.

    Attributes:
        data: Folder with its data.
        seed: Of a made-up org.
        leads: How many a made-up org has.
        setup: File that says what is set up in it.
    """

    data: Path | None
    seed: int | None
    leads: int | None
    setup: Path | None

    def check(self) -> None:
        """Raise `click.UsageError` when the options do not go together."""
        if self.data is not None and (self.seed is not None or self.leads is not None):
            raise click.UsageError("--data names an org, --seed and --leads make one up: give either")

    def org(self, console: Console) -> FakeOrg:
        """The org; what it has to tell of itself is told."""
        if self.leads is not None and self.leads >= _LARGE:
            console.note(f"making up {self.leads:,} leads …")
        org = self._made()
        for note in org.notes:
            console.note(f"note: {note}")
        return org

    def _made(self) -> FakeOrg:
        from sfsync.cli.fake_setup import read_setup
        from sfsync.fake import FakeOrg

        wanted = read_setup(self.setup) if self.setup is not None else None
        if self.data is not None:
            org = FakeOrg.from_csv(self.data)
        elif wanted is not None and self.seed is None and self.leads is None:
            org = FakeOrg.empty()
        else:
            try:
                org = FakeOrg.seeded(1 if self.seed is None else self.seed, 400 if self.leads is None else self.leads)
            except ValueError as error:
                raise UsageError(str(error), hint="see --leads") from error
        if wanted is not None:
            org.set_up(wanted.add_to)
        return org


origin_options = together(
    "origin",
    Origin,
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Load Lead.csv, Account.csv, … from this folder (API names as column names).",
    ),
    click.option("--seed", type=int, default=None, metavar="N", help="Make up an org: the same for the same number."),
    click.option(
        "--leads", type=click.IntRange(min=1), default=None, metavar="N", help="Leads of a made-up org. [400]"
    ),
    click.option(
        "--setup",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Set the org up (custom fields, picklist values); without --data or --seed it is an empty one.",
    ),
)


@click.command("serve", help=HELP, short_help="Serve a fake org over TLS on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0 picks a free one.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; anything but loopback shows the org to your network.",
)
@origin_options
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the certificate to trust here. Default: a temporary file.",
)
@click.option("--token", metavar="TOKEN", help="An access token to accept. Default: a random one.")
@click.option(
    "--proxy-port",
    type=click.IntRange(0, 65535),
    metavar="Q",
    help="Also open a CONNECT proxy, for clients that insist on login.salesforce.com.",
)
@click.option(
    "--weather",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Trouble to come: a YAML or JSON list of rules (see docs/fake-org.md).",
)
@json_option
@pass_console
def command(
    console: Console,
    *,
    port: int,
    host: str,
    origin: Origin,
    ca_file: Path | None,
    token: str | None,
    proxy_port: int | None,
    weather: Path | None,
) -> None:
    """Serve a fake org until a signal ends it."""
    origin.check()
    console.note(
        "This is a fake Salesforce org, for tests and trials: it ends with this command, and so does its data."
    )
    from sfsync.fake.serve import serve_until_signal  # brings a database and a server along
    from sfsync.fake.weather.file import read_weather

    forecast = read_weather(weather) if weather is not None else None
    org = origin.org(console)
    if forecast is not None:
        console.note(f"weather: {len(forecast.add_to(org.weather))} rule(s) from {weather}")
    if not _is_loopback(host):
        console.warn(f"{host} is not a loopback address: whoever reaches this machine can try the org's passwords")

    serve_until_signal(
        org,
        announce=partial(_announce, console, org),
        token=token,
        host=host,
        port=port,
        ca_file=ca_file,
        proxy=proxy_port is not None,
        proxy_port=proxy_port or 0,
    )


def _announce(console: Console, org: FakeOrg, facts: dict[str, Any]) -> None:
    """Say that the server is ready, and all that a client needs to know."""
    console.note("The fake org is ready; stop it with Ctrl-C.")
    if console.json:
        click.echo(json.dumps(facts))
        return
    known = org.credentials
    console.out(f"url      {facts['url']}")
    console.out(f"token    {facts['token']}")
    console.out(f"ca_file  {facts['ca_file']}")
    if "proxy" in facts:
        console.out(f"proxy    {facts['proxy']}")
    console.out(f"login    {known.username} / {known.password} / {known.security_token}")
    console.out(f"app      {known.client_id} / {known.client_secret}")
    console.out(f"control  {facts['url']}/_fake/state")
    console.next_step(
        f"SF_ACCESS_TOKEN='{facts['token']}' SF_ORG_INSTANCE_URL={facts['url']}"
        f" REQUESTS_CA_BUNDLE={facts['ca_file']} sfsync pull"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
