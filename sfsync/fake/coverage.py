"""What the fake org serves of Salesforce's APIs, as a table made from the routes themselves.

`python -m sfsync.fake.coverage` prints the page `docs/fake-org-coverage.md`; a test keeps it current.
"""

from __future__ import annotations

import sys

from sfsync.fake.catalog import standard_catalog
from sfsync.fake.routes import ROUTES
from sfsync.fake.routing import NEWEST_VERSION, OLDEST_VERSION, Coverage

#: What integrations use and the fake org does not serve yet: method, path, title.
NOT_SERVED = (
    ("POST", "/services/Soap/u/NN.0", "SOAP calls that are not named above"),
    ("POST", "/services/Soap/c/NN.0, /m/NN.0, /T/NN.0", "SOAP enterprise, metadata and tooling APIs"),
)

_HEAD = f"""# What the fake org covers

This page is generated: `python -m sfsync.fake.coverage > docs/fake-org-coverage.md`.

API versions {OLDEST_VERSION}.0 to {NEWEST_VERSION}.0 are served alike, except where a resource came later. A trailing
or doubled slash in a path is let pass, and `POST …?_HttpMethod=PATCH` counts as PATCH.

| method | path | resource | coverage | notes |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    rows = [
        f"| {route.method} | `{route.path.replace('<version:version>', 'NN.0').replace('<', '{').replace('>', '}')}` "
        f"| {route.title} | {route.coverage} | {route.note} |"
        for route in ROUTES
    ]
    rows += [f"| {methods} | `{path}` | {title} | {Coverage.NONE} |  |" for methods, path, title in NOT_SERVED]
    catalog = standard_catalog()
    objects = ", ".join(f"{name} ({fields})" for name, fields in sorted((o.name, len(o.fields)) for o in catalog))
    return (
        f"{_HEAD}{chr(10).join(rows)}\n\n## Objects\n\nStandard objects and their number of fields: {objects}.\n\n"
        "Custom fields come with the data: every `__c` column of a CSV folder, or `org.add_field(…)`.\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
