"""What can go wrong, arranged by what you can do about it.

::

    SfsyncError                    exit 3   base of everything sfsync raises on purpose
    ├── UsageError                 exit 2   the command line asks for something that makes no sense
    ├── ConfigError                exit 2   a file you wrote has problems; `problems` names file:line:column
    │   ├── MappingError           exit 2   …a mapping
    │   ├── SourceError            exit 2   …rows to be pushed, whatever holds them: a file, a query, a data frame
    │   └── RuleError              exit 2   …an audit rule
    ├── SoqlError                  exit 2   a SOQL text cannot be read
    ├── SalesforceError            exit 3   the org or the way to it
    │   ├── Unreachable            exit 3   no answer: name, network, TLS, time-out (retried before it is raised)
    │   ├── AuthenticationFailed   exit 3   the org refused the login
    │   ├── SessionExpired         exit 3   401 after a login that worked
    │   ├── RequestRefused         exit 3   a 4xx with Salesforce's own `error_code`
    │   ├── TemporaryFailure       exit 3   5xx, 429, row locks: retrying may help (retried before it is raised)
    │   │   └── JobNotReady        exit 3   a Bulk job is still running; it goes on in the org
    │   ├── LimitReached           exit 75  the org's own limit: try again later
    │   ├── OutcomeUnknown         exit 3   a write was sent and its answer lost: look before sending it again
    │   └── IncompleteAnswer       exit 3   fewer rows or bytes than the org itself announced
    ├── StoreError                 exit 3   the local database
    │   ├── StoreMissing           exit 3   there is no mirror yet
    │   ├── StoreLocked            exit 75  another process is writing
    │   ├── StoreDamaged           exit 3   not a database, or one that cannot be read
    │   └── QueryFailed            exit 3   your SQL was refused by the database
    ├── BudgetReached              exit 4   the budget of API calls or Bulk jobs is spent: go on later
    ├── GuardRefused               exit 3   what would be lost looks like a mistake; the mirror is as it was
    ├── PlanStale                  exit 3   the plan is over, or was overtaken: make a new one
    ├── LedgerUnbalanced           exit 3   the org's answers and what was sent do not add up
    ├── RunLocked                  exit 75  another run of this project is under way
    └── MirrorUnfit                exit 3   the mirror cannot be judged (never pulled, or a pull is incomplete)

Problems with single records are values (`records.Outcome`, findings), never exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

DOCS = "https://github.com/sfsync/sfsync/blob/main/docs/"


class SfsyncError(Exception):
    """Base of every error sfsync raises on purpose: what happened, and what to do next.

    Args:
        message: One sentence saying what happened, naming the file, record Id or address.
        hint: One sentence saying what to do next, or None.
        docs: A page under `docs/` that explains more, or None.
        context: Machine-readable details for `--json`; never a secret.
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        docs: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.docs = docs
        self.context: dict[str, Any] = dict(context or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # Schedulers carry errors from one process to another, and not every class can be made of its message alone.
        return _restored, (type(self), self.args), dict(self.__dict__)


def _restored(kind: type[SfsyncError], args: tuple[Any, ...]) -> SfsyncError:
    return kind.__new__(kind, *args)


class UsageError(SfsyncError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file you wrote, at the place where it stands.

    Attributes:
        file: Path as the user knows it (relative to the project where possible).
        line: 1-based line, or None when the problem is the file as a whole.
        column: 1-based column, or None.
        message: What is wrong, in one sentence.
        hint: "did you mean `Email`?" or what to write instead, or None.
    """

    file: str
    line: int | None
    column: int | None
    message: str
    hint: str | None = None

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known; editors and terminals make a link of it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(SfsyncError):
    """A file you wrote has problems; all of them are listed, each with its place."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            hint=hint,
            context={
                "problems": [
                    {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
                    for p in self.problems
                ]
            },
        )


class MappingError(ConfigError):
    """A mapping has problems."""


class SourceError(ConfigError):
    """Rows that were to be pushed cannot be read as they are, or not without guessing."""


class RuleError(ConfigError):
    """An audit rule has problems."""


class SoqlError(SfsyncError):
    """A SOQL text cannot be read; `row` and `column` (1-based) say where, `code` is Salesforce's own error code."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        code: str = "MALFORMED_QUERY",
        row: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, context={"code": code, "row": row, "column": column})
        self.code = code
        self.row = row
        self.column = column


class SalesforceError(SfsyncError):
    """The org, or the way to it.

    Attributes:
        unprocessed: The org certainly has not acted on the request.
    """

    unprocessed: bool = False


class Unreachable(SalesforceError):
    """No answer from the org: name, network, TLS or time-out, after the retries."""


class AuthenticationFailed(SalesforceError):
    """The org refused the login."""


class SessionExpired(SalesforceError):
    """The access token is no longer accepted (401)."""


class RequestRefused(SalesforceError):
    """The org understood the request and refused it; `error_code` is Salesforce's own."""

    def __init__(self, message: str, *, error_code: str, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, context={"errorCode": error_code, "status": status})
        self.error_code = error_code
        self.status = status


class TemporaryFailure(SalesforceError):
    """The org could not answer now (5xx, 429, lock): the transport retries, then raises this."""


class JobNotReady(TemporaryFailure):
    """A Bulk job was waited for in vain; it goes on in the org, and may yet be taken up."""


class LimitReached(SalesforceError):
    """The org's own limit is used up (REQUEST_LIMIT_EXCEEDED): nothing helps but waiting."""

    exit_code = 75


class OutcomeUnknown(SalesforceError):
    """A write was sent and its answer lost: the org may have done all of it, a part, or nothing."""


class IncompleteAnswer(SalesforceError):
    """Fewer rows or bytes arrived than the org itself announced; nothing of the answer is kept."""


class StoreError(SfsyncError):
    """The local database."""


class StoreMissing(StoreError):
    """There is no mirror here yet."""


class StoreLocked(StoreError):
    """Another process has the database open for writing."""

    exit_code = 75


class StoreDamaged(StoreError):
    """The database file is not one, or cannot be read."""


class QueryFailed(StoreError):
    """The database refused an SQL statement that the user wrote."""


class BudgetReached(SfsyncError):
    """The budget of API calls or Bulk jobs is spent; what was read is kept, and the next run goes on there."""

    exit_code = 4


class GuardRefused(SfsyncError):
    """So many records would go from the mirror that a mistake is likelier than the intention; nothing was changed."""


class PlanStale(SfsyncError):
    """The plan is over, or the org, a mapping or a newer plan has overtaken it; nothing was written."""


class LedgerUnbalanced(SfsyncError):
    """The org's answers and what was sent do not add up: look before anything is sent again."""


class RunLocked(SfsyncError):
    """Another run of this project is under way."""

    exit_code = 75


class MirrorUnfit(SfsyncError):
    """The mirror cannot be judged: never pulled, or the last pull is incomplete."""
