"""An org of its own beside the mirror, so that pulls may come late, and applies without the network."""

from __future__ import annotations

from datetime import timedelta

from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.store.names import quote
from sfsync.store.rekey import follow_merges
from sfsync.sync.apply.tables import prepare as prepare_outcomes
from sfsync.sync.merge3 import merge_every, open_conflicts, resolve, settle, settled_conflicts
from sfsync.sync.merge3.resolve import Choice
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.tables import is_set

from .sides import START, lead_id


class World:
    """Attributes: `org` is what the org has, Id → values; the mirror has it as of the last pull."""

    def __init__(self, path, mapping, describes):
        self.store = DuckDBStore(path / "mirror.duckdb")
        self.mapping, self.describes = mapping, describes
        self.now = START
        self.org = {}
        self.made = 0
        self.written = set()  # (record, field, value) that an apply has brought to the org
        with self.store.writing() as session:
            prepare_mirror(session)
            prepare_outcomes(session)
            for describe in describes.values():
                shape_table(session, describe, find_drift(session, describe))

    def sql(self, text, params=()):
        with self.store.writing() as session:
            return session.execute(text, params).rows

    def tick(self):
        self.now += timedelta(seconds=1)
        return self.now

    # the org

    def create(self, **values):
        self.made += 1
        self.org[lead_id(self.made)] = {"IsDeleted": False, **values, "SystemModstamp": self.tick()}
        return lead_id(self.made)

    def change(self, record_id, **values):
        self.org[record_id].update(values, SystemModstamp=self.tick())

    # sfsync

    def pull(self, *, until=None):
        """Mirror what the org had changed until an instant; without it, everything."""
        until = until or self.now
        with self.store.writing() as session:
            for record_id, values in self.org.items():
                if values["SystemModstamp"] <= until:
                    session.execute('DELETE FROM sf_all."Lead" WHERE "Id" = ?', [record_id])
                    names = ", ".join(f'"{name}"' for name in ("Id", *values))
                    marks = ", ".join("?" * (len(values) + 1))
                    session.execute(
                        f'INSERT INTO sf_all."Lead" ({names}) VALUES ({marks})', [record_id, *values.values()]
                    )
            for describe in self.describes.values():
                ledger.save_describe(session, describe, until)
                ledger.save_cursor(session, describe, until, "run")
            follow_merges(session, self.describes["Lead"], until)
            refresh_local_tables(session, (self.mapping,), self.describes)
            return merge_every(session, (self.mapping,), self.describes)

    def plan(self):
        return make_plan(self.store, (self.mapping,), describes=self.describes)

    def apply(self, plan, *, fails=lambda change: False, killed=False):
        """Write a plan's changes to the org, those excepted that fail or whose record has moved.

        An apply that is killed has written down its outcomes and done nothing more.
        """
        with self.store.writing() as session:
            for step in plan.steps:
                wanted = ", ".join(
                    f"{quote(field)}, {quote(field + '.before')}, {is_set(field)}" for field in step.fields
                )
                rows = session.execute(
                    f"SELECT change_no, record_id, refused, org_stamp{', ' + wanted if wanted else ''} "
                    f"FROM {step.table} ORDER BY change_no"
                ).rows
                for number, record_id, refused, stamp, *cells in rows:
                    state = self._write(step, record_id, stamp, cells, refused or fails(number))
                    found = record_id or (lead_id(self.made) if state == "done" else None)
                    session.execute(
                        "INSERT INTO sfsync.outcomes VALUES ('run', ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, 1, ?)",
                        [
                            plan.id,
                            number,
                            step.step,
                            step.object,
                            step.action,
                            state,
                            found,
                            record_id is None,
                            self.now,
                        ],
                    )
            return 0 if killed else settle(session, plan.id)

    def _write(self, step, record_id, stamp, cells, failed):
        if failed or (record_id is not None and self.org[record_id]["SystemModstamp"] != stamp):
            return "rejected"
        if step.action == "delete":
            self.change(record_id, IsDeleted=True)
            return "done"
        kinds = {f.name: f.type for f in self.describes["Lead"].fields}
        values = {}
        for field, value, _before, sets in zip(step.fields, cells[::3], cells[1::3], cells[2::3], strict=True):
            if sets:
                values[field] = float(value) if value is not None and kinds[field] == "currency" else value
        if record_id is None:
            record_id = self.create(**values)
        else:
            self.change(record_id, **values)
        self.written |= {(record_id, field, value) for field, value in values.items()}
        return "done"

    # looking

    def conflicts(self):
        with self.store.reading() as session:
            return open_conflicts(session)

    def settled(self, **options):
        with self.store.reading() as session:
            return settled_conflicts(session, **options)

    def resolve(self, winner, **choice):
        with self.store.writing() as session:
            return resolve(session, (self.mapping,), self.describes, winner, Choice(**choice))

    def local(self, columns="name, email, phone, revenue"):
        return {row[0]: row[1:] for row in self.sql(f"SELECT sf_id, {columns} FROM crm.leads")}

    def live(self, *fields):
        return {
            record_id: tuple(values.get(field) for field in fields)
            for record_id, values in self.org.items()
            if not values["IsDeleted"]
        }
