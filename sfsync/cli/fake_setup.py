"""What an admin would have set up, as a file: custom fields, picklist values, the right to set audit fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from sfsync.config.model import ApiName, Lax, StrictModel
from sfsync.config.problems import read_model
from sfsync.config.yaml_reader import read_yaml
from sfsync.errors import ConfigError, Problem

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

FieldType = Literal[
    "boolean", "currency", "date", "datetime", "double", "email", "int", "multipicklist", "percent", "phone",
    "picklist", "string", "textarea", "url",
]  # fmt: skip


class CustomField(StrictModel):
    """One custom field.

    Attributes:
        type: As describe calls it.
        label: What people see; made from the name unless given.
        length: Most characters of a text.
        precision: Digits of a number.
        scale: Of these, those after the point.
        external_id: Records can be found by it.
        unique: No two records have the same value.
        values: Of a picklist.
    """

    type: FieldType = "string"
    label: str = ""
    length: Annotated[int, Field(ge=0, le=131_072)] = 0
    precision: Annotated[int, Field(ge=0, le=18)] = 0
    scale: Annotated[int, Field(ge=0, le=17)] = 0
    external_id: bool = False
    unique: bool = False
    values: Annotated[tuple[str, ...], Lax] = ()


class Setup(StrictModel):
    """One set-up file.

    Attributes:
        fields: Object → custom field → what it is.
        picklists: Object → field → the values it offers, in place of its own.
        audit_fields: Whether clients may set who made a record and when, as it is made.
    """

    fields: dict[ApiName, dict[ApiName, CustomField]] = Field(default_factory=dict)
    picklists: dict[ApiName, dict[ApiName, Annotated[tuple[str, ...], Lax]]] = Field(default_factory=dict)
    audit_fields: bool = False

    def add_to(self, org: FakeOrg) -> None:
        """Set an org up. Raises `UsageError` where it lacks an object or field."""
        for name, fields in self.fields.items():
            for field, about in fields.items():
                details = about.model_dump(exclude={"type", "label", "values"}, exclude_defaults=True)
                org.add_field(name, field, about.type, about.label, picklist_values=about.values, **details)
        for name, picklists in self.picklists.items():
            for field, values in picklists.items():
                org.set_picklist(name, field, values)
        if self.audit_fields:
            org.allow_audit_fields()


def read_setup(path: Path) -> Setup:
    """Read a set-up file (YAML or JSON). Raises `ConfigError` with file, line and column of what is wrong."""
    if not path.is_file():
        raise ConfigError([Problem(str(path), None, None, "there is no such file")])
    document = read_yaml(path)
    setup = read_model(Setup, document)
    problems = [
        document.problem("fields", name, field, message=f"`{field}` is not the name of a custom field", key=True)
        for name, field in _named(setup)
        if not field.endswith("__c")
    ]
    if problems:
        raise ConfigError(problems, hint="custom fields end in `__c`")
    return setup


def _named(setup: Setup) -> Iterator[tuple[str, str]]:
    for name, fields in setup.fields.items():
        yield from ((name, field) for field in fields)
