"""How the org runs Bulk jobs: what states there are, how long a job takes, how large things may be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sfsync.fake.weather import Weather

OPEN, UPLOADED, RUNNING, COMPLETE = "Open", "UploadComplete", "InProgress", "JobComplete"
FAILED, ABORTED = "Failed", "Aborted"

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PIPE": "|", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

#: Jobs, their data and their results are gone so long after their creation, or that of their youngest batch.
JOB_LIFETIME = timedelta(days=7)

#: Key prefixes of jobs, of batches and of query results.
JOB_PREFIX, BATCH_PREFIX, RESULT_PREFIX = "750", "751", "752"


@dataclass(frozen=True, slots=True)
class Transition:
    """How a job comes from created to complete, and whether it does.

    Attributes:
        polls: So many polls still see it `InProgress`.
        seconds: It stays `InProgress` for so long, by the org's clock.
        error: It ends `Failed`, with this message.
        stuck: It never ends.
    """

    polls: int = 0
    seconds: float = 0.0
    error: str | None = None
    stuck: bool = False

    @property
    def immediate(self) -> bool:
        """Whether the work is done as soon as it is handed in."""
        return not self.stuck and self.polls <= 0 and self.seconds <= 0


@dataclass
class BulkSettings:
    """How the org runs jobs.

    Attributes:
        transition: Of jobs created from now on.
        page: Rows of a query result page where the client asks for nothing else.
        shuffled: Whether results come in another order than the query's or the upload's, as they may.
        fail_after: An ingest job created from now on ends `Failed` after so many rows, which stay written; the rest is
            unprocessed. Its message is the transition's `error`, where there is one.
        batch: Rows that an ingest job works on at a time.
        upload_limit: Most bytes of an upload.
        hard_delete: Whether users have the permission "Bulk API Hard Delete".
    """

    transition: Transition = field(default_factory=Transition)
    page: int = 100_000
    shuffled: bool = False
    fail_after: int | None = None
    batch: int = 10_000
    upload_limit: int = 150_000_000
    hard_delete: bool = True

    def in_weather(self, weather: Weather, object_name: str) -> BulkSettings:
        """How a job of this object is run that is created now, whatever trouble is about."""
        trouble = weather.job(object_name)
        shuffled = self.shuffled or weather.shuffles(object_name)
        if trouble is None:
            return replace(self, shuffled=shuffled)
        transition = Transition(trouble.polls, trouble.seconds, trouble.error, trouble.stuck)
        return replace(self, transition=transition, fail_after=trouble.after_rows, shuffled=shuffled)


@dataclass(slots=True)
class Progress:
    """How far a job has come on its way from handed in to ended."""

    transition: Transition
    since: datetime
    polls: int = 0

    def due(self, now: datetime) -> bool:
        """Whether the job ends at this look at it."""
        self.polls += 1
        if self.transition.stuck or self.polls <= self.transition.polls:
            return False
        return now - self.since >= timedelta(seconds=self.transition.seconds)
