"""What an org's opportunities go through: its sales processes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sfsync.config.model import Fault, Filled, Lax, StrictModel, faulty
from sfsync.config.spelling import shown

_Texts = Annotated[tuple[str, ...], Lax]
_Stages = Annotated[tuple[str, ...], Lax, *Filled]


class SalesProcess(StrictModel):
    """One sales process: no query shows which stages it has, so it is written down here.

    Attributes:
        record_types: Developer names (or Ids) of the record types that follow it; empty for opportunities without one.
        stages: API names of its stages, closed ones too, in order.
    """

    record_types: _Texts = ()
    stages: _Stages

    @model_validator(mode="after")
    def _each_stage_once(self) -> Self:
        twice = [i for i, stage in enumerate(self.stages) if stage in self.stages[:i]]
        if twice:
            message = f"`{shown(self.stages[twice[0]])}` is listed twice"
            raise faulty(Fault(message, "a stage stands once in a process", ("stages", twice[0])))
        return self


class DealDefinitions(StrictModel):
    """The block `definitions: {deals: {…}}`.

    Attributes:
        sales_processes: Name → which record types follow it, and its stages in order.
    """

    sales_processes: dict[str, SalesProcess] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_record_type_once(self) -> Self:
        seen: dict[str, str] = {}
        for name, process in self.sales_processes.items():
            for i, record_type in enumerate(process.record_types or ("",)):
                first = seen.setdefault(record_type, name)
                if first != name:
                    whose = f"`{shown(record_type)}` follows" if record_type else "whoever has no record type follows"
                    at = ("sales_processes", name, "record_types", i) if record_type else ("sales_processes", name)
                    raise faulty(Fault(f"{whose} the process `{shown(first)}` already", at=at))
        return self
