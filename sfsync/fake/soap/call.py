"""One call of the partner API on its way through its handler, and what the client wants along with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfsync.fake.catalog import Catalog, ObjectFacts
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.soap.envelope import Element, flag_of, local, text_of
from sfsync.fake.soap.fault import no_such_type, refusal

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg
    from sfsync.fake.routing import Context

#: Records of a query page, where the client asks for nothing else; and the bounds of what it may ask for.
_PAGE, _SMALLEST_PAGE, _LARGEST_PAGE = 500, 200, 2000


@dataclass(frozen=True)
class SoapCall:
    """One call.

    Attributes:
        context: The request; `user_id` and `token` are those of the SessionHeader.
        version: API version of the address, e.g. `60.0`.
        name: Of the operation.
        body: Its element; parameters are the children.
        headers: SOAP headers by local name.
    """

    context: Context
    version: str
    name: str
    body: Element
    headers: dict[str, Element]

    @property
    def org(self) -> FakeOrg:
        """The org asked."""
        return self.context.org

    @property
    def catalog(self) -> Catalog:
        """Objects and fields that the user may see."""
        return self.context.visible

    def facts(self, name: str) -> ObjectFacts:
        """An object by its name; the fault for one that is not there."""
        if not name:
            raise refusal("INVALID_TYPE", "Must send a concrete entity type.")
        facts = self.catalog.facts(name)
        if facts is None:
            raise no_such_type(name)
        return facts

    @property
    def options(self) -> WriteOptions:
        """How the client wants its write. Unlike over REST, assignment rules fire only for those who ask for them."""
        assignment = self.headers.get("AssignmentRuleHeader")
        wants_rule = flag_of(assignment, "useDefaultRule") or bool(text_of(assignment, "assignmentRuleId"))
        return WriteOptions(
            user_id=self.context.user_id,
            all_or_none=flag_of(self.headers.get("AllOrNoneHeader"), "allOrNone"),
            auto_assign=wants_rule,
            allow_duplicates=flag_of(self.headers.get("DuplicateRuleHeader"), "allowSave"),
            truncate=flag_of(self.headers.get("AllowFieldTruncationHeader"), "allowFieldTruncation"),
            version=self.version,
        )

    @property
    def page(self) -> int:
        """Records of a query page."""
        asked = text_of(self.headers.get("QueryOptions"), "batchSize")
        size = max(_SMALLEST_PAGE, min(int(asked[:9]), _LARGEST_PAGE)) if asked.isdecimal() else _PAGE
        return min(size, self.org.settings.query_page)


@dataclass(frozen=True)
class Operation:
    """One operation of the partner API.

    Attributes:
        answer: Answers a call with the elements within its response.
        parameters: Names of the elements within its request; Salesforce refuses all others.
    """

    answer: Callable[[SoapCall], str]
    parameters: tuple[str, ...] = ()

    def check(self, body: Element) -> None:
        """Refuse elements that do not belong there."""
        for one in body:
            if local(one) not in self.parameters:
                raise refusal("UNKNOWN_EXCEPTION", f"Element {one.tag} invalid at this location")
