"""pytest fixtures: a fake Salesforce org for your own tests.

Installed with `pip install sfsync[testing]`; pytest finds this by itself::

    def test_my_integration(fake_org):
        sf = Salesforce(instance_url=fake_org.instance_url, session_id=fake_org.token, session=fake_org.session())
        assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 400

Importing this module costs nothing: the database and the HTTP client come in when a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sfsync.fake import FakeOrg
    from sfsync.fake.doors.server import Server


@pytest.fixture
def fake_org() -> Iterator[FakeOrg]:
    """A made-up org of 400 leads, the same for every test and fresh for each."""
    from sfsync.fake import FakeOrg  # noqa: PLC0415 - only a test that asks for it pays for it

    with FakeOrg.seeded() as org:
        yield org


@pytest.fixture
def fake_org_server(fake_org: FakeOrg) -> Iterator[Server]:
    """The org of `fake_org` over TLS: `url`, `token`, `ca_file`, and `proxy_url` for hard-coded hosts."""
    with fake_org.serve(proxy=True) as server:
        yield server
