"""Dates with a time: a zone is declared or stands in the value, and times that a clock change skips are refused."""

from __future__ import annotations

from functools import cache
from typing import Literal, Self

from pydantic import model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.mapping.transforms import months
from sfsync.mapping.transforms.dates import DAY, MONTH, YEAR, as_wide_as, check_format, directives
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, fallible, matches, plain, some, trimmed
from sfsync.store.names import literal

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_OFFSET = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
#: By how much clocks are set: an hour nearly always, half an hour or two hours in a few places.
_CLOCK_CHANGES = (30, 60, 120)


class DatetimeFormat(StrictModel):
    """How dates with a time are written in a column of texts.

    Attributes:
        format: Like `%d.%m.%Y %H:%M`; ISO 8601 unless given.
        zone: Where the clock stands that the times were read from, like `Europe/Berlin`; needed unless each value has
            its offset (`%z`).
        locale: Language of the months' names in a format that has them, like `de`; English unless given.
        twice: What becomes of a time that a clock shows twice in the night it is set back: `first`, `second`, `fail`.
    """

    format: str | None = None
    zone: str | None = None
    locale: str | None = None
    twice: Literal["fail", "first", "second"] = "fail"

    @model_validator(mode="after")
    def _zone_is_known(self) -> Self:
        if self.zone is not None and not _is_zone(self.zone):
            hint = suggestion(self.zone, sorted(_zones())) or "like `Europe/Berlin`"
            raise faulty(Fault(f"there is no time zone `{shown(self.zone)}`", hint, ("zone",)))
        if self.format is None and self.zone is None:
            raise faulty(Fault("needs a `format`, a `zone`, or both", "like `{format: '%d.%m.%Y %H:%M', zone: UTC}`"))
        months.check_language(self.locale, self.format)
        if self.format is not None:
            check_format(self.format, (YEAR, MONTH, DAY))
            if ("z" in directives(self.format)) == (self.zone is not None):
                if self.zone is None:
                    hint = "say where the clock stood: `zone: Europe/Berlin`, or `zone: UTC`"
                    raise faulty(Fault("the format has no offset (`%z`), so a time in it is no instant", hint))
                hint = "leave out `zone`"
                raise faulty(Fault("the format has the offset of each value (`%z`)", hint, ("zone",)))
        return self

    @property
    def loss(self) -> str | None:
        """What an instant would lose."""
        if self.format is None:
            return None
        used = directives(self.format)
        if "Y" not in used:
            return "leaves the century out"
        if "S" not in used or "M" not in used or not ("H" in used or {"I", "p"} <= used):
            return "leaves a part of the time out"
        if self.zone not in (None, "UTC"):
            return "does not tell apart the two hours of a clock set back (an offset, `%z`, would)"
        return None

    def stages(self, telling: Telling) -> tuple[Stage, ...]:
        """From text to instant."""
        tidy = plain(lambda x: some(trimmed(x)))
        if self.format is None:
            return tidy, *_iso_stages(self, telling)
        form, text = literal(self.format), "{x}"
        words = f"is no time in the form {self.format}"
        if self.locale is not None:
            form, text = literal(months.numbered(self.format)), months.numbered_sql("{x}", self.locale)
            words += f" ({self.locale})"
        read = f"try_strptime({text}, {form})"
        # With `%z` the database reads an instant; without, what a clock shows.
        read = f"({read} AT TIME ZONE 'UTC')" if self.zone is None else f"CAST({read} AS TIMESTAMP)"
        written = self.format
        clock = fallible(lambda x: as_wide_as(written, x, read.replace("{x}", x)), Kind.DATETIME, words, telling)
        return tidy, clock, *self.clock_stages(telling)

    def clock_stages(self, telling: Telling) -> tuple[Stage, ...]:
        """From what a clock in the zone shows to an instant."""
        if self.zone in (None, "UTC"):
            return ()
        return (
            Stage(
                Kind.DATETIME,
                lambda x, _: _utc_sql(x, self),
                lambda x, _, y: f"CASE WHEN {y} IS NULL THEN {_clock_problem(x, x, self, telling)} END",
            ),
        )

    def shown_sql(self, sql: str) -> str:
        """SQL of an instant as text; without a format it has its offset."""
        zone = self.zone or "UTC"
        local = sql if zone == "UTC" else f"(({sql} AT TIME ZONE 'UTC') AT TIME ZONE {literal(zone)})"
        form = self.format or "%Y-%m-%dT%H:%M:%S.%g%z"
        offset = _offset_sql(sql, local) if zone != "UTC" else "'+00:00'"
        parts = [self._part_sql(local, part) if part else "''" for part in form.split("%z")]
        return f" || {offset} || ".join(parts)

    def _part_sql(self, sql: str, form: str) -> str:
        return f"strftime({sql}, {literal(form)})" if self.locale is None else months.named_sql(sql, form, self.locale)


def plain_datetime_stages(telling: Telling) -> tuple[Stage, ...]:
    """From text to instant where nothing is declared: as the API writes it, with `Z` or an offset."""
    words = (
        "is no instant as the API writes it, like 2026-01-31T12:00:00Z (declare how it is written, "
        "like `transform: {datetime: {format: '%d.%m.%Y %H:%M', zone: UTC}}`)"
    )
    pattern = _ISO + _OFFSET
    return (
        plain(lambda x: some(trimmed(x))),
        fallible(
            lambda x: f"CASE WHEN {matches(x, pattern)} THEN {_with_offset_sql(x)} END", Kind.DATETIME, words, telling
        ),
    )


def _iso_stages(form: DatetimeFormat, telling: Telling) -> tuple[Stage, ...]:
    """From ISO 8601 text to an instant: by its own offset, else by the zone."""

    def offset(x: str) -> str:
        return matches(x, _ISO + _OFFSET)

    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    readable = fallible(
        lambda x: (
            f"CASE WHEN {matches(x, _ISO + _OFFSET)} AND {_with_offset_sql(x)} IS NOT NULL THEN {x} "
            f"WHEN {matches(x, f'{_ISO}|{day}')} AND {_clock_sql(x)} IS NOT NULL THEN {x} END"
        ),
        Kind.TEXT,
        "is no time in the form 2026-01-31T12:00:00",
        telling,
    )
    if form.zone == "UTC":
        return readable, plain(
            lambda x: f"CASE WHEN {offset(x)} THEN {_with_offset_sql(x)} ELSE {_clock_sql(x)} END", Kind.DATETIME
        )
    instant = Stage(
        Kind.DATETIME,
        lambda x, _: f"CASE WHEN {offset(x)} THEN {_with_offset_sql(x)} ELSE {_utc_sql(_clock_sql(x), form)} END",
        lambda x, _, y: f"CASE WHEN {y} IS NULL THEN {_clock_problem(x, _clock_sql(x), form, telling)} END",
    )
    return readable, instant


def utc_text_sql(sql: str) -> str:
    """SQL of an ISO text as an instant's: a time of the database that says no zone is UTC, like the mirror's."""
    return f"CASE WHEN {matches(sql, _ISO)} THEN {sql} || 'Z' ELSE {sql} END"


def _clock_sql(sql: str) -> str:
    """SQL of what the clock shows in an ISO text, whatever its offset; a day's own hyphens are no offset."""
    ending = literal(r"(:[0-9]{2}(?:\.[0-9]+)?)" + _OFFSET + "$")
    return f"TRY_CAST(regexp_replace({sql}, {ending}, '\\1') AS TIMESTAMP)"


def _with_offset_sql(sql: str) -> str:
    """SQL of the instant in an ISO text that has its offset."""
    hours, minutes = literal("([+-][0-9]{2})(?::?[0-9]{2})?$"), literal("[+-][0-9]{2}:?([0-9]{2})$")
    behind = f"substr({sql}, 17)"  # seconds, and the offset
    sign = f"CASE WHEN {behind} LIKE '%-%' THEN -1 ELSE 1 END"
    away = f"60 * abs(coalesce(TRY_CAST(regexp_extract({behind}, {hours}, 1) AS INTEGER), 0))"
    away += f" + coalesce(TRY_CAST(regexp_extract({behind}, {minutes}, 1) AS INTEGER), 0)"
    return f"{_clock_sql(sql)} - ({sign}) * ({away}) * INTERVAL '1 minute'"


def _local_sql(utc: str, zone: str) -> str:
    return f"(({utc} AT TIME ZONE 'UTC') AT TIME ZONE {literal(zone)})"


def _read_sql(clock: str, zone: str) -> str:
    return f"(({clock} AT TIME ZONE {literal(zone)}) AT TIME ZONE 'UTC')"


def _others(clock: str, zone: str) -> list[tuple[str, str]]:
    """Instants near the one read, and SQL of whether the clock shows the same then."""
    read = _read_sql(clock, zone)
    moved = [f"({read} {sign} INTERVAL '{each} minutes')" for each in _CLOCK_CHANGES for sign in "+-"]
    return [(each, f"{_local_sql(each, zone)} = {clock}") for each in moved]


def _utc_sql(clock: str, form: DatetimeFormat) -> str:
    """SQL of the instant at which a clock shows this; NULL where it never does, or twice without being told which."""
    zone = form.zone or "UTC"
    read, others = _read_sql(clock, zone), _others(clock, zone)
    exists = f"{_local_sql(read, zone)} = {clock}"
    if form.twice == "fail":
        again = " OR ".join(same for _, same in others)
        chosen = f"CASE WHEN {exists} AND NOT ({again}) THEN {read} END"
    else:
        each = ", ".join(f"CASE WHEN {same} THEN {moved} END" for moved, same in others)
        chosen = f"CASE WHEN {exists} THEN {'least' if form.twice == 'first' else 'greatest'}({read}, {each}) END"
    # Six hours of a clock are six hours, except on the two nights a year that are looked at closely.
    around = [f"(({clock} {sign} INTERVAL '3 hours') AT TIME ZONE {literal(zone)})" for sign in "+-"]
    return f"CASE WHEN {around[0]} - {around[1]} = INTERVAL '6 hours' THEN {read} ELSE {chosen} END"


def _clock_problem(given: str, clock: str, form: DatetimeFormat, telling: Telling) -> str:
    zone = form.zone or "UTC"
    exists = f"{_local_sql(_read_sql(clock, zone), zone)} = {clock}"
    skipped = f"is a time that clocks in {zone} skip that day"
    twice = f"is a time that clocks in {zone} show twice that day (declare which: `twice: first` or `second`)"
    gap = telling.said(given, skipped, f"NOT ({exists})")
    if form.twice != "fail":
        return gap
    again = " OR ".join(same for _, same in _others(clock, zone))
    return f"coalesce({gap}, {telling.said(given, twice, again)})"


def _offset_sql(utc: str, local: str) -> str:
    """SQL of the distance of a local time from UTC, like `+02:00`."""
    minutes = f"CAST(date_diff('minute', {utc}, {local}) AS INTEGER)"
    sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
    hours = f"lpad(CAST(abs({minutes}) // 60 AS VARCHAR), 2, '0')"
    return f"{sign} || {hours} || ':' || lpad(CAST(abs({minutes}) % 60 AS VARCHAR), 2, '0')"


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415

    return frozenset(available_timezones())


def _is_zone(name: str) -> bool:
    return name in _zones()
