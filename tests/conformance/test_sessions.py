"""The session of examples on PostgreSQL stands in for that of a store, so it has to have all that one has."""

from __future__ import annotations

from sfsync.store import Session, Store


def test_nothing_that_a_session_offers_is_missing(postgres_store: Store) -> None:
    with postgres_store.writing() as session:
        assert [name for name in vars(Session) if not name.startswith("_") and not hasattr(session, name)] == []
