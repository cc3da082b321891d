"""SOQL that the org asks itself, with the rights of the system: every object and field is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfsync.fake.evaluate import CompiledQuery, OrgCatalog
    from sfsync.fake.evaluate.catalog import Catalog
    from sfsync.fake.org import FakeOrg
    from sfsync.soql import Query


class SystemQueries:
    """Compiles the org's own queries."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._catalog: tuple[int, OrgCatalog] | None = None

    def compiled(
        self,
        query: Query | str,
        *,
        all_rows: bool = False,
        within: Callable[[OrgCatalog], Catalog] | None = None,
    ) -> CompiledQuery:
        """A query as SQL; raises `SoqlError`.

        Args:
            query: The statement.
            all_rows: Whether deleted records are shown.
            within: Makes the catalogue to look names up in from the org's own.
        """
        # An org without rules does not need the compiler.
        from sfsync.fake.evaluate import compile_query  # noqa: PLC0415
        from sfsync.soql import parse  # noqa: PLC0415

        catalog = self._own_catalog()
        return compile_query(
            parse(query) if isinstance(query, str) else query,
            within(catalog) if within else catalog,
            now=self._org.clock.now(),
            timezone=self._org.settings.timezone,
            fiscal_start_month=self._org.settings.fiscal_start_month,
            all_rows=all_rows,
        )

    def _own_catalog(self) -> OrgCatalog:
        from sfsync.fake.evaluate import OrgCatalog  # noqa: PLC0415

        changes = self._org.catalog.changes
        if self._catalog is None or self._catalog[0] != changes:
            self._catalog = (changes, OrgCatalog(self._org.catalog))
        return self._catalog[1]
