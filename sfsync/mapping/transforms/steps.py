"""`transform:` as files write it: one step or a list of them, each a word or a block with one key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import CoreSchema, core_schema

from sfsync.config.model import Fault, ShortForm, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.mapping.transforms import booleans, dates, lists, numbers, text
from sfsync.mapping.transforms.instants import DatetimeFormat
from sfsync.mapping.transforms.phones import PhoneFormat
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, pairs, plain, said, some
from sfsync.mapping.transforms.value_table import ValueTable

_WORDS = tuple(text.LOSSES)
_EXAMPLES = {
    "number": "{number: de}",
    "date": "{date: dmy}",
    "datetime": "{datetime: Europe/Berlin}",
    "phone": "{phone: DE}",
    "boolean": "{boolean: [yes, no]}",
    "multi": "{multi: ', '}",
    "split": "{split: {by: ' ', part: 1}}",
    "name": "{name: first}",
    "join": "{join: ' '}",
    "table": "{table: values.csv}",
}


def _short_datetime(given: Any) -> Any:
    if isinstance(given, str):
        return {"format" if "%" in given else "zone": given}
    return given


class Step(StrictModel):
    """One transform: what becomes of a local value on its way to the org, and of the org's on its way here.

    Attributes:
        trim: Cuts the blanks around a text. One way.
        squeeze: Cuts the blanks around a text, and makes one of several within. One way.
        lower: Makes all letters small. One way.
        upper: Makes all letters capitals. One way.
        title: Begins each word with a capital. One way.
        email: Cuts blanks, makes letters small, and refuses what is no e-mail address. One way.
        number: The local column has numbers as people write them; a locale, or how they are written.
        date: The local column has days as people write them; `dmy`, `mdy`, `ymd`, or a format like `%d.%m.%Y`.
        datetime: The local column has times as people write them; a zone, a format, or both.
        phone: Phone numbers become international ones; the region of numbers without a country code. Push only.
        boolean: The local column has words for true and false.
        multi: The local column has the chosen values of a multi-select picklist between separators of this kind.
        name: The first or the last name of a person. One way.
        split: A part of a text. One way.
        join: The texts of several columns, one behind the other; in the other direction split again. One way.
        table: A CSV file with the columns `org` and `local`, beside the mapping.
    """

    trim: Literal[True] | None = None
    squeeze: Literal[True] | None = None
    lower: Literal[True] | None = None
    upper: Literal[True] | None = None
    title: Literal[True] | None = None
    email: Literal[True] | None = None
    number: Annotated[numbers.NumberFormat, ShortForm("locale")] | None = None
    date: Annotated[dates.DateFormat, ShortForm("format")] | None = None
    datetime: Annotated[DatetimeFormat, BeforeValidator(_short_datetime)] | None = None
    phone: Annotated[PhoneFormat, ShortForm("region")] | None = None
    boolean: booleans.BooleanWords | None = None
    multi: Annotated[str, Field(min_length=1)] | None = None
    name: text.NamePart | None = None
    split: text.Split | None = None
    join: str | None = None
    table: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if len(self.model_fields_set) != 1:
            named = ", ".join(f"`{name}`" for name in sorted(self.model_fields_set)) or "none"
            raise faulty(Fault(f"a step is one transform, and this one has {named}", "write a list: `[trim, lower]`"))
        return self

    @property
    def key(self) -> str:
        """Which transform it is."""
        return next(iter(self.model_fields_set))

    def loss(self) -> str | None:
        """What an org's value would lose on the way here and back, or None when it comes back as it was."""
        if self.key in text.LOSSES:
            return text.LOSSES[self.key]
        if self.date is not None:
            return self.date.loss
        if self.datetime is not None:
            return self.datetime.loss
        if self.key in {"name", "split", "join"}:
            return "takes texts apart, and does not know how they were together"
        return "writes a number in another way than the org may have it" if self.key == "phone" else None

    def stages(self, kind: Kind, telling: Telling, table: ValueTable | None) -> tuple[Stage, ...]:
        """The stages of the way to the org, for an input of this kind (text, unless the transform says otherwise)."""
        if self.number is not None:
            return () if kind in (Kind.NUMBER, Kind.INTEGER) else self.number.stages(telling)
        if self.date is not None:
            return () if kind is Kind.DATE else self.date.stages(telling)
        if self.datetime is not None:
            return self._datetime_stages(self.datetime, kind, telling)
        if self.boolean is not None:
            return () if kind is Kind.BOOLEAN else (booleans.boolean_stage(self.boolean, telling),)
        return self._text_stages(telling, table)

    def _text_stages(self, telling: Telling, table: ValueTable | None) -> tuple[Stage, ...]:
        """The stages of a transform that makes text of text."""
        if self.key in text.LOSSES:
            return text.text_stages(self.key, telling)
        if self.phone is not None:
            return (self.phone.stage(telling),)
        if self.table is not None:
            return (_table_stage(table, telling),)
        if self.name is not None:
            part = self.name
            return plain(lambda x: text.text_sql("squeeze", x)), plain(lambda x: text.name_sql(part, x))
        return (plain(self._part_sql),)

    @staticmethod
    def _datetime_stages(form: DatetimeFormat, kind: Kind, telling: Telling) -> tuple[Stage, ...]:
        if kind is Kind.INSTANT:
            return ()
        if kind is Kind.DATE:
            return plain(lambda x: f"CAST({x} AS TIMESTAMP)", Kind.DATETIME), *form.clock_stages(telling)
        return form.clock_stages(telling) if kind is Kind.DATETIME else form.stages(telling)

    def takes(self, kind: Kind) -> bool:
        """Whether values of this kind need not be made text first."""
        own = {
            "number": (Kind.NUMBER, Kind.INTEGER),
            "date": (Kind.DATE,),
            "datetime": (Kind.DATE, Kind.DATETIME, Kind.INSTANT),
            "boolean": (Kind.BOOLEAN,),
        }
        return kind is Kind.TEXT or kind in own.get(self.key, ())

    def _part_sql(self, sql: str) -> str:
        if self.multi is not None:
            return lists.chosen_sql(sql, self.multi)
        if self.name is not None:
            return text.name_sql(self.name, f"({text.text_sql('squeeze', sql)})")
        if self.split is not None:
            return self.split.sql(sql)
        return some(sql)  # `join`: the columns were put together where they were read

    def shown_sql(self, sql: str) -> str:
        """SQL of the org's value on its way here; a `table` is a join of the caller's."""
        if self.number is not None:
            return self.number.shown_sql(sql)
        if self.date is not None:
            return self.date.shown_sql(sql)
        if self.datetime is not None:
            return self.datetime.shown_sql(sql)
        if self.boolean is not None:
            return booleans.shown_boolean_sql(sql, self.boolean)
        as_text = f"CAST({sql} AS VARCHAR)"
        if self.multi is not None:
            return lists.shown_choice_sql(as_text, self.multi)
        return text.text_sql(self.key, as_text) if self.key in text.LOSSES else self._part_sql(as_text)


def _table_stage(table: ValueTable | None, telling: Telling) -> Stage:
    rows = list((table.to_org() if table else {}).items())
    return Stage(
        Kind.TEXT,
        lambda _, relation: f"{relation}.output",
        lambda x, relation, _: telling.said(
            x,
            f"is not in {table.file if table else 'the table'}",
            f"{said(x)} IS NOT NULL AND {relation}.input IS NULL",
        ),
        relation=pairs(rows or [("", "")]),
    )


def _parse_steps(given: Any) -> Any:
    """One step or several, words or blocks: always a list of blocks."""
    listed: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
    return tuple(_block(each) for each in listed)


def _block(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given in _WORDS:
        return {given: True}
    if given in _EXAMPLES:
        raise faulty(Fault(f"`{given}` has to be told how", f"like `{_EXAMPLES[given]}`"))
    hint = suggestion(given, [*_WORDS, *_EXAMPLES])
    raise faulty(Fault(f"there is no transform `{shown(given)}`", hint or "`sfsync mapping schema` lists them"))


@dataclass(frozen=True, slots=True)
class _Forms:
    """Lets a list of steps be written as one step, and a step without arguments as a word."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_parse_steps, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Callable[[CoreSchema], Any]) -> dict[str, Any]:
        step, word = handler(schema)["items"], {"enum": list(_WORDS)}
        return {"anyOf": [word, step, {"type": "array", "items": {"anyOf": [word, step]}, "minItems": 1}]}


Steps = Annotated[tuple[Step, ...], _Forms()]
