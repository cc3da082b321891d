"""What objects there are, and what each is made of."""

from __future__ import annotations

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.catalog import Catalog, ObjectFacts
from sfsync.fake.describe_json import basic_body, global_body, object_body
from sfsync.fake.routes.conditions import described
from sfsync.fake.routing import Context, Coverage, Route, json_response


def describe_global(context: Context, version: str) -> Response:
    """Every object that the user may see."""
    return described(context, ("", version), global_body(context.visible, version))


def basic_information(context: Context, version: str, name: str) -> Response:
    """One object in short."""
    _, facts = _object(context, name)
    return json_response(basic_body(facts, version))


def describe_object(context: Context, version: str, name: str) -> Response:
    """One object with every field that the user may see."""
    visible, facts = _object(context, name)
    record_types = context.org.behaviour.record_type_infos(facts.name, context.user_id)
    body = object_body(visible, facts, version, context.base_url, record_types)
    return described(context, (facts.name, version), body)


def _object(context: Context, name: str) -> tuple[Catalog, ObjectFacts]:
    visible = context.visible
    facts = visible.facts(name)
    if facts is None:
        raise faults.not_found()
    return visible, facts


ROUTES = (
    Route(
        "GET",
        "/services/data/v<version:version>/sobjects",
        describe_global,
        "Describe global",
        Coverage.PARTIAL,
        "the objects of the catalogue",
    ),
    Route(
        "GET",
        "/services/data/v<version:version>/sobjects/<name>",
        basic_information,
        "sObject basic information",
        Coverage.PARTIAL,
        "no recent items",
    ),
    Route(
        "GET",
        "/services/data/v<version:version>/sobjects/<name>/describe",
        describe_object,
        "sObject describe",
        Coverage.PARTIAL,
        "all keys of a field; no layouts",
    ),
)
