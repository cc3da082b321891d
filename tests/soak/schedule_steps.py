"""The steps of a schedule: what people, clocks, networks and kills do to an org and its mirror.

A step is a name and whole numbers; which record or value a number stands for is decided when the step is played, so that
a step can be taken out of a schedule and the rest still means something.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schedule_world import LAG, STAMP, Boundaries, Broken, Killed, Plan, World

from sfsync.errors import SessionExpired, SfsyncError, UsageError
from sfsync.fake import weather as w
from sfsync.fake.dml import merge
from sfsync.fake.dml.outcome import WriteOptions

#: Names that a careless reader drops, joins, splits or turns into something else.
TEXTS = (
    "Ada",
    "NA",
    "null",
    "nan",
    "#N/A",
    "007",
    'said "no", twice',
    "two\nlines",
    "CR\r\nLF",
    "sep\u2028arated",
    "\x0bertical",
    "🏳️‍🌈 مرحبا",
    "O'Neill\\",
    "1e5",
    "true",
    "2026-01-31",
    None,
)
NUMBERS = (0, -1, 1e18, -1e-9, 0.1, 123456789.12, 2**53, None)


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    name: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.args))})"


Play = Callable[..., None]
STEPS: dict[str, Play] = {}


def step(play: Play) -> Play:
    """Register a step under its name."""
    STEPS[play.__name__] = play
    return play


def play(world: World, one: Step) -> None:
    """Do what a step says."""
    STEPS[one.name](world, *one.args)


# --- people ---------------------------------------------------------------------------------------------------------


def _name(world: World, number: int) -> str:
    return world.plan.objects[number % len(world.plan.objects)]


def _records(world: World, name: str, *, deleted: bool | None = False) -> list[dict[str, Any]]:
    rows = list(world.there(name).values())
    if rows and "IsDeleted" not in rows[0]:
        return rows if not deleted else []
    return [row for row in rows if deleted is None or row["IsDeleted"] == deleted]


def _choose(rows: Sequence[dict[str, Any]], number: int) -> dict[str, Any] | None:
    return rows[number % len(rows)] if rows else None


def _values(world: World, name: str, number: int, *, new: bool) -> dict[str, Any]:
    world.serial += 1
    text, figure = TEXTS[number % len(TEXTS)], NUMBERS[number % len(NUMBERS)]
    required = f"{text or 'Ada'} {world.serial}"
    if name == "OpportunityStage":
        return {"MasterLabel": required, "ApiName": required, "SortOrder": number % 50, "IsActive": number % 2 == 0}
    values: dict[str, Any] = {"Description": text}
    if name in {"Lead", "Account"}:
        values["AnnualRevenue"] = figure
    if name == "Contact":
        parents = _records(world, "Account") if "Account" in world.plan.objects else []
        parent = _choose(parents, number)
        values["AccountId"] = parent["Id"] if parent and number % 3 else None
    if new or number % 2:
        values |= {
            "Lead": {"LastName": required, "Company": f"Company {number}"},
            "Contact": {"LastName": required},
            "Account": {"Name": required},
        }[name]
    return values


def _write(work: Callable[[], object]) -> None:
    """Somebody's write; one that the org refuses has not happened."""
    try:
        work()
    except UsageError:
        return


@step
def insert(world: World, which: int, number: int, many: int) -> None:
    """New records, all with the same stamp."""
    name = _name(world, which)
    rows = [_values(world, name, number + place, new=True) for place in range(1 + many % 4)]
    _write(lambda: world.fake.insert(name, rows))


@step
def update(world: World, which: int, pick: int, number: int) -> None:
    """One record changes."""
    name = _name(world, which)
    found = _choose(_records(world, name), pick)
    if found:
        _write(lambda: world.fake.update(name, found["Id"], _values(world, name, number, new=False)))


@step
def delete(world: World, which: int, pick: int) -> None:
    """One record goes to the recycle bin."""
    name = _name(world, which)
    found = _choose(_records(world, name), pick)
    if found and name != "OpportunityStage":
        _write(lambda: world.fake.delete(name, found["Id"]))


@step
def undelete(world: World, which: int, pick: int) -> None:
    """One record comes back."""
    name = _name(world, which)
    found = _choose(_records(world, name, deleted=True), pick)
    if found:
        _write(lambda: world.fake.undelete(name, found["Id"]))


@step
def hard_delete(world: World, which: int, pick: int) -> None:
    """One record goes without a trace, out of the bin or from outside it."""
    name = _name(world, which)
    found = _choose(_records(world, name, deleted=None), pick)
    if found:
        _write(lambda: world.fake.delete(name, found["Id"], hard=True))


@step
def merge_records(world: World, which: int, pick: int, other: int, both: int) -> None:
    """One or two records go into another one; done twice, it makes a chain."""
    name = _name(world, which)
    rows = _records(world, name)
    master, loser = _choose(rows, pick), _choose(rows, other)
    if name == "OpportunityStage" or not master or not loser or master is loser:
        return
    third = _choose([row for row in rows if row not in (master, loser)], both)
    losers = [loser["Id"], *([third["Id"]] if third and both % 2 else [])]
    values = {"Id": master["Id"], **_values(world, name, both, new=False)}
    values.pop("AccountId", None)
    merge(world.fake, name, values, losers, WriteOptions(world.fake.admin_id, system=True))


@step
def late_insert(world: World, which: int, number: int, seconds: int) -> None:
    """A transaction of new records that began a while ago commits only now."""
    name = _name(world, which)
    delay = timedelta(seconds=seconds % (LAG.seconds + 1))
    _write(lambda: world.fake.insert_late(name, [_values(world, name, number, new=True)], delay))


@step
def late_update(world: World, which: int, pick: int, number: int, seconds: int) -> None:
    """The same for a change; it had the record locked, so nobody else wrote it in between."""
    name = _name(world, which)
    found = _choose(_records(world, name), pick)
    if not found or STAMP not in found:
        return
    began = world.fake.clock.stamp() - timedelta(seconds=seconds % (LAG.seconds + 1))
    values = _values(world, name, number, new=False) | {STAMP: max(began, found[STAMP])}
    _write(lambda: world.fake.update(name, found["Id"], values))


# --- the org's shape ------------------------------------------------------------------------------------------------


@step
def formula(world: World, which: int, kind: int) -> None:
    """A formula or roll-up field appears: from now on values move without a stamp."""
    name = _name(world, which)
    declared = world.fake.catalog.facts(name)
    choices: list[tuple[str, Callable[[str], object]]] = []
    if name == "Lead":
        choices = [
            ("Age__c", lambda field: world.fake.add_formula(name, field, "double", "TODAY() - DATEVALUE(CreatedDate)")),
            ("Score__c", lambda field: world.fake.add_formula(name, field, "double", "LEN(LastName) + AnnualRevenue")),
        ]
    if name == "Contact":
        choices = [("Parent__c", lambda field: world.fake.add_formula(name, field, "string", "Account.Name"))]
    if name == "Account" and "Contact" in world.plan.objects:
        choices = [
            ("People__c", lambda field: world.fake.add_roll_up(name, field, "Contact", "COUNT", lookup="AccountId"))
        ]
    if not choices:
        return
    field, declare = choices[kind % len(choices)]
    if declared is not None and declared.field(field) is None:
        declare(field)


@step
def add_field(world: World, which: int, number: int, kind: int) -> None:
    """A custom field appears, filled for the records there are without moving a stamp."""
    name = _name(world, which)
    if name == "OpportunityStage":
        return
    world.serial += 1
    field, field_type = f"New{world.serial}__c", ("string", "double", "boolean", "date", "datetime")[kind % 5]
    world.fake.add_field(name, field, field_type)
    value = {
        "string": TEXTS[number % len(TEXTS)],
        "double": NUMBERS[number % len(NUMBERS)],
        "boolean": bool(number % 2),
        "date": "1700-01-01",
        "datetime": "4000-12-31 23:59:59",
    }[field_type]
    with world.fake.database.writing() as cursor:
        cursor.execute(f'UPDATE "{name}" SET "{field}" = CAST(? AS {_sql(field_type)})', [value])


def _sql(field_type: str) -> str:
    kinds = {"double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP"}
    return kinds.get(field_type, "VARCHAR")


@step
def retype(world: World, which: int, pick: int) -> None:
    """A custom number becomes a text, as an admin may decide; no stamp moves."""
    name = _name(world, which)
    facts = world.fake.catalog.facts(name)
    numbers = [one for one in facts.fields if one.name.startswith("New") and one.type == "double"] if facts else []
    if not numbers or facts is None:
        return
    old = numbers[pick % len(numbers)]
    world.retyped.add((name, old.name))
    with world.fake.database.writing() as cursor:
        cursor.execute(f'ALTER TABLE "{name}" ALTER COLUMN "{old.name}" TYPE VARCHAR')
    new = dataclasses.replace(old, type="string", length=255, precision=0)
    fields = tuple(new if one is old else one for one in facts.fields)
    world.fake.catalog.put(dataclasses.replace(facts, fields=fields))


def _hideable(world: World, name: str) -> list[str]:
    unseen = {"Description", "Email", "AnnualRevenue"}
    facts = world.fake.catalog.facts(name)
    return [one.name for one in facts.fields if one.name in unseen or one.name.startswith("New")] if facts else []


@step
def hide(world: World, which: int, pick: int) -> None:
    """A field can no longer be read; what the mirror has of it must stay."""
    name = _name(world, which)
    fields = _hideable(world, name)
    if not fields:
        return
    field = fields[pick % len(fields)]
    if field not in world.readable(name):
        return
    if any(field in row for row in world.mirrored(name)):
        world.kept[name, field] = {row["Id"]: row[field] for row in world.mirrored(name)}
    world.fake.hide(name, field)


@step
def show(world: World, which: int, pick: int) -> None:
    """A hidden field can be read again."""
    name = _name(world, which)
    hidden = [field for field in _hideable(world, name) if field not in world.readable(name)]
    if hidden:
        field = hidden[pick % len(hidden)]
        world.fake.set_permissions(name, ("read", "edit"), field=field)
        world.kept.pop((name, field), None)


# --- time -----------------------------------------------------------------------------------------------------------


@step
def wait(world: World, seconds: int) -> None:
    """Time passes."""
    world.fake.clock.advance(timedelta(seconds=seconds))


@step
def wait_for_purge(world: World) -> None:
    """Sixteen days pass: the recycle bin gives up what lies in it."""
    world.fake.clock.advance(timedelta(days=16))


# --- trouble --------------------------------------------------------------------------------------------------------

_LINE = "/(query|queryAll|jobs|sobjects|composite|limits)"

#: Trouble → what it is, and where it may strike.
TROUBLES: dict[str, tuple[Callable[[], Any], str]] = {
    "unavailable": (w.Unavailable, _LINE),
    "too many requests": (w.TooManyRequests, _LINE),
    "gateway page": (w.GatewayPage, _LINE),
    "limit exceeded": (w.LimitExceeded, _LINE),
    "expired session": (w.ExpiredSession, _LINE),
    "revoked session": (w.RevokedSession, _LINE),
    "connection refused": (w.ConnectionRefused, ""),
    "reset": (w.Reset, ""),
    "reset after work": (lambda: w.Reset(after_work=True), ""),
    "silence": (w.Silence, ""),
    "silence after work": (lambda: w.Silence(after_work=True), ""),
    "truncated": (lambda: w.Truncated(0.6), _LINE),
    "truncated to nothing": (lambda: w.Truncated(0.0), _LINE),
    "one row too many": (lambda: w.WrongCount(by=1), "/results"),
    "one row too few": (lambda: w.WrongCount(by=-1), "/results"),
    "a clock ahead": (lambda: w.ClockSkew(240), ""),
    "a clock behind": (lambda: w.ClockSkew(-240), ""),
    "shuffled": (w.Shuffled, ""),
    "slow": (lambda: w.Slow(50_000_000), ""),
    "delay": (lambda: w.Delay(0.002), ""),
    "job failed": (w.JobFailed, ""),
    "job slow": (lambda: w.JobSlow(polls=3), ""),
    "bad request": (lambda: w.Refused(400, b'[{"errorCode":"UNKNOWN_EXCEPTION","message":"?"}]'), "/(query|jobs)"),
}


@step
def storm(world: World, kind: str, nth: int, lasting: bool) -> None:
    """Trouble is about, for the next pull."""
    trouble, path = TROUBLES[kind]
    if lasting:
        world.fake.weather.add(trouble(), path=path, probability=0.3)
    else:
        world.fake.weather.add(trouble(), path=path, nth=nth)


# --- pulls ----------------------------------------------------------------------------------------------------------


@step
def pull_once(
    world: World, kill_at: int | None, disturb_at: int | None, disturbance: Step | None, **options: Any
) -> None:
    """A pull, perhaps killed at a boundary, perhaps while somebody works in the org."""
    fair = not len(world.fake.weather)
    moved = disturbance and disturb_at

    def disturb() -> None:
        if disturbance:
            play(world, disturbance)

    world.boundaries = Boundaries(kill_at=kill_at, disturb_at=disturb_at if moved else None, disturb=disturb)
    try:
        result = world.pull(**options)
    except Killed:
        world.org = world.login()
    except SessionExpired as expired:
        if fair:
            raise Broken(f"a pull in fair weather failed: {expired}") from expired
        world.org = world.login()
    except SfsyncError as error:
        if fair:
            raise Broken(f"a pull in fair weather failed: {error}") from error
    else:
        if fair and not moved and any(each.state != "done" for each in result.objects):
            raise Broken(f"a pull in fair weather did not do everything: {result.objects}")
        for each in result.objects:
            if each.state == "done":
                world.check_up_to_bound(each.object)
    finally:
        world.fake.weather.clear()


@step
def verify_repair(world: World) -> None:
    """Somebody runs `verify --repair` in between."""
    if world.cursors:
        world.repair()


# --- chance ---------------------------------------------------------------------------------------------------------

_PEOPLE = {
    "insert": 6,
    "update": 8,
    "delete": 4,
    "undelete": 3,
    "hard_delete": 1,
    "merge_records": 3,
    "late_insert": 2,
    "late_update": 2,
    "formula": 2,
    "add_field": 1,
    "retype": 1,
    "hide": 1,
    "show": 1,
    "wait": 3,
    "wait_for_purge": 0.3,
}
_ARGUMENTS = {"wait": 0, "wait_for_purge": 0, "undelete": 2, "delete": 2, "hard_delete": 2, "formula": 2, "retype": 2}
_ARGUMENTS |= {"hide": 2, "show": 2, "insert": 3, "update": 3, "late_insert": 3, "add_field": 3}
_ARGUMENTS |= {"merge_records": 4, "late_update": 4}

_OBJECTS = (("Lead",), ("Contact", "Account"), ("Account",), ("Lead", "OpportunityStage"), ("Contact",), ("Lead",))


def draw_plan(chance: random.Random) -> Plan:
    """How the pulls of a schedule are made."""
    return Plan(
        objects=chance.choice(_OBJECTS),
        history=chance.random() < 0.85,
        api=chance.choice(("rest", "bulk", "bulk", "auto")),
        swift=chance.random() < 0.95,
        page=chance.choice((2, 3, 5, 2000)),
        renews=chance.random() < 0.3,
        concurrency=chance.choice((1, 4)),
        verifies=chance.random() < 0.2,
    )


def draw_person(chance: random.Random) -> Step:
    """Something that somebody does."""
    (name,) = chance.choices(list(_PEOPLE), list(_PEOPLE.values()))
    if name == "wait":
        return Step(name, (chance.choice((1, 60, 299, 300, 301, 3600, 90_000)),))
    return Step(name, tuple(chance.randrange(1000) for _ in range(_ARGUMENTS[name])))


def draw_pull(chance: random.Random) -> list[Step]:
    """A pull with what comes with it."""
    before = []
    if chance.random() < 0.5:
        kind = chance.choice(list(TROUBLES))
        before.append(Step("storm", (kind, chance.randrange(1, 12), chance.random() < 0.3)))
    kill_at = chance.randrange(1, 130) if chance.random() < 0.4 else None
    if chance.random() < 0.3:
        person = Step("wait", (1,))
        while person.name not in {"insert", "update", "delete", "undelete", "merge_records"}:
            person = draw_person(chance)
        return [*before, Step("pull_once", (kill_at, chance.randrange(1, 100), person))]
    return [*before, Step("pull_once", (kill_at, None, None))]


def draw_schedule(chance: random.Random) -> list[Step]:
    """A schedule: work, pulls, trouble and kills in any order."""
    steps = [Step("insert", (place, chance.randrange(1000), 3)) for place in range(3)]
    if chance.random() < 0.4:
        steps.append(Step("formula", (chance.randrange(1000), chance.randrange(1000))))
    for _ in range(chance.choice((1, 1, 2, 2, 3, 5))):
        steps += [draw_person(chance) for _ in range(chance.randrange(1, 6))]
        if chance.random() < 0.8:
            steps.append(Step("wait", (chance.choice((301, 302, 900)),)))
        steps += draw_pull(chance)
        if chance.random() < 0.05:
            steps.append(Step("verify_repair"))
    return steps + [draw_person(chance) for _ in range(chance.randrange(0, 4))]
