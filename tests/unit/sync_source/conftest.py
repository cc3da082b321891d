from __future__ import annotations

import duckdb
import pytest

from sfsync.errors import SourceError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.duckdb_session import DuckDBSession
from sfsync.sync.source import load_source


@pytest.fixture
def session():
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "preserve_insertion_order": "false"})
    yield DuckDBSession(connection)
    connection.close()


@pytest.fixture
def load(session, tmp_path):
    """Write a file, and load it as a source."""

    def run(content: bytes | str, name: str = "leads.csv", **spec):
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return load_source(session, SourceSpec(file=name, **spec), "test", root=tmp_path)

    return run


@pytest.fixture
def rows(session):
    """The rows of a loaded source, in order, each with its number first."""

    def read(source):
        return session.execute(f"SELECT * FROM {source.table} ORDER BY source_row").rows

    return read


@pytest.fixture
def refusal(load):
    """Place, message and hint of the refusal of a file."""

    def run(content: bytes | str, name: str = "leads.csv", **spec):
        with pytest.raises(SourceError) as caught:
            load(content, name, **spec)
        (problem,) = caught.value.problems
        assert problem.file == name
        return problem.line, problem.message, problem.hint

    return run
