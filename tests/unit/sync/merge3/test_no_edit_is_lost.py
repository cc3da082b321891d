"""Random edits on both sides, under every policy, with pulls, plans and applies in any order: nothing is lost unlisted.

SFSYNC_MERGE_SEEDS=100 plays a hundred histories of each policy.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from .sides import DESCRIBES, two_way
from .world import World

SEEDS = int(os.environ.get("SFSYNC_MERGE_SEEDS", "1"))
STEPS = 14
COLUMNS = {"name": "LastName", "email": "Email", "phone": "Phone", "revenue": "AnnualRevenue"}
FIELDS = (
    "{LastName: name, Email: email, Phone: {local: phone, null: clear}, AnnualRevenue: {local: revenue, null: clear}}"
)
POLICIES = {
    "fail": "deletes: soft\nmost_deleted: 100%\n",
    "org": "conflicts: org\ndeletes: soft\nmost_deleted: 100%\n",
    "local": "conflicts: local\ndeletes: soft\nmost_deleted: 100%\n",
    "newest": "conflicts: newest\nmodified: changed_at\n",
}


class History:
    """Both sides at work, and a watch on what becomes of every value."""

    def __init__(self, path, policy, seed):
        self.random = random.Random(f"{policy} {seed}")
        self.world = World(path, two_way(POLICIES[policy], FIELDS), DESCRIBES)
        self.dated = policy == "newest"
        self.count = 0
        self.plan = None
        self.log = []
        self.shown = set()  # (record, field, value) that the local table has shown
        for _ in range(4):
            self.world.create(LastName=self.value("LastName"), Email=self.value("Email"), Phone=self.value("Phone"))
        self.watched("begins", self.world.pull)

    def value(self, field):
        self.count += 1
        if field == "AnnualRevenue":
            return float(self.random.choice([self.count, 7]))
        return self.random.choice([f"v{self.count}", "same"])

    # what people do

    def edit_here(self):
        rows = [record for (record,) in self.world.sql("SELECT sf_id FROM crm.leads ORDER BY 1")]
        if not rows:
            return
        record, column = self.random.choice(rows), self.random.choice(list(COLUMNS))
        value = self.value(COLUMNS[column])
        if column != "name" and self.random.random() < 0.2:
            value = None
        self.world.sql(f"UPDATE crm.leads SET {column} = ? WHERE sf_id = ?", [value, record])
        if self.dated and self.random.random() < 0.8:
            self.world.sql("UPDATE crm.leads SET changed_at = ? WHERE sf_id = ?", [self.world.tick(), record])
        self.log.append(("edit here", record, column, value))

    def add_here(self):
        values = [self.value("LastName"), self.value("Email")]
        self.world.sql("INSERT INTO crm.leads (name, email) VALUES (?, ?)", values)
        self.log.append(("add here", values))

    def delete_here(self):
        rows = [record for (record,) in self.world.sql("SELECT sf_id FROM crm.leads ORDER BY 1")]
        if len(rows) > 2:
            record = self.random.choice(rows)
            self.world.sql("DELETE FROM crm.leads WHERE sf_id = ?", [record])
            self.log.append(("delete here", record))

    def replace_table(self):
        self.world.sql("CREATE OR REPLACE TABLE crm.leads AS SELECT * FROM crm.leads ORDER BY email")
        self.log.append(("replace",))

    def _live(self):
        return [record for record, values in self.world.org.items() if not values["IsDeleted"]]

    def edit_there(self):
        if live := self._live():
            record, field = self.random.choice(live), self.random.choice(list(COLUMNS.values()))
            value = self.value(field)
            if field != "LastName" and self.random.random() < 0.2:
                value = None
            self.world.change(record, **{field: value})
            self.log.append(("edit there", record, field, value))

    def add_there(self):
        self.log.append(("add there", self.world.create(LastName=self.value("LastName"))))

    def delete_there(self):
        if len(live := self._live()) > 2:
            record = self.random.choice(live)
            self.world.change(record, IsDeleted=True)
            self.log.append(("delete there", record))

    def merge_there(self):
        if len(live := self._live()) > 3:
            master, loser = self.random.sample(live, 2)
            self.world.change(loser, IsDeleted=True, MasterRecordId=master)
            self.world.change(master, Email=self.world.org[loser].get("Email"))
            self.log.append(("merge there", loser, "into", master))

    # what sfsync does

    def pull(self):
        late = self.random.choice([0, 0, 2, 5])
        until = self.world.now - timedelta(seconds=late) if late else None
        self.watched(f"pull {late} s late", lambda: self.world.pull(until=until))

    def make_plan(self):
        self.plan = self.watched("plan", self.world.plan)

    def apply(self):
        if self.plan is None or self.plan.is_empty:
            return
        plan, self.plan = self.plan, None
        before = {record: dict(values) for record, values in self.world.org.items()}
        killed = self.random.random() < 0.3
        self.watched(
            f"apply, killed: {killed}",
            lambda: self.world.apply(plan, fails=lambda _: self.random.random() < 0.2, killed=killed),
        )
        self.check_org(before)

    def resolve(self):
        found = self.world.conflicts()
        if found:
            each = self.random.choice(found)
            winner = self.random.choice(["org", "local"])
            self.watched(
                f"resolve {each.record_id} {each.column} {winner}",
                lambda: self.world.resolve(winner, records=(each.record_id,), columns=(each.column,)),
            )

    # watching

    def local(self):
        return self.world.local(", ".join(COLUMNS))

    def base(self):
        return {
            row[0]: row[1:]
            for row in self.world.sql(f'SELECT sf_id, {", ".join(COLUMNS)} FROM sfsync_base."crm.leads"')
        }

    def watched(self, what, does):
        """Run something of sfsync's, and hold what it changed in the table against what it listed."""
        first = what == "begins"
        with self.world.store.writing():  # one session for many looks
            before, base = ({}, {}) if first else (self.local(), self.base())
        answer = does()
        self.log.append((what,))
        with self.world.store.writing():
            after, settled = self.local(), self.world.settled()
            born = dict(self.world.sql("SELECT row_name, record_id FROM sfsync.two_way_born"))
            merged = dict(self.world.sql("SELECT loser_id, final_id FROM sfsync.merged"))
        listed = {(each.record_id, each.column, each.local) for each in settled if each.winner == "org"}
        anew = {each.record_id for each in settled if (each.kind, each.winner) == ("deleted in the org", "local")}
        rows = list(after.values())
        for row, values in before.items():
            if row is None:
                continue  # two new rows may be alike; the count below holds them
            now = after.get(row) or after.get(born.get(row)) or after.get(merged.get(row))
            for number, column in enumerate(COLUMNS):
                value, agreed = values[number], base.get(row, (None,) * len(COLUMNS))[number]
                if value == agreed or (now is not None and now[number] == value):
                    continue
                text = None if value is None else str(value)
                names = (row, born.get(row), merged.get(row), merged.get(born.get(row)))
                told = any((each, column, text) in listed for each in names)
                told = told or any((each, COLUMNS[column], value) in self.world.written for each in names)
                kept = row in anew and any(other[number] == value for other in rows)
                assert told or kept, (what, row, column, value, agreed, now, self.log)
        new = sum(row is None or row.startswith("new:") for row in before)
        left = sum(row is None or row.startswith("new:") for row in after) + sum(name in before for name in born)
        assert left >= new - sum(name in before and name in after for name in born), (what, self.log)
        for record, values in after.items():
            self.shown |= {(record, field, values[at]) for at, field in enumerate(COLUMNS.values())}
        return answer

    def check_org(self, before):
        """What an apply overwrote in the org had been shown here, or is listed as given up."""
        listed = {(each.record_id, each.field, each.org) for each in self.world.settled() if each.winner == "local"}
        for record, values in before.items():
            for field in COLUMNS.values():
                old, new = values.get(field), self.world.org[record].get(field)
                if old == new or field not in values:  # nobody has ever set it
                    continue
                text = None if old is None else str(old)
                assert (record, field, old) in self.shown or (record, field, text) in listed, (
                    record,
                    field,
                    old,
                    self.log,
                )

    def end(self):
        """Settle everything, and send what is to be sent, until nothing is left."""
        for _ in range(12):
            self.world.tick()
            self.watched("last pull", self.world.pull)
            if self.world.conflicts():
                winner = self.random.choice(["org", "local"])
                self.watched(f"resolve all {winner}", lambda: self.world.resolve(winner))  # noqa: B023
                continue
            plan = self.world.plan()
            if plan.is_empty:
                break
            before = {record: dict(values) for record, values in self.world.org.items()}
            self.watched("last apply", lambda: self.world.apply(plan))  # noqa: B023
            self.check_org(before)
        else:
            pytest.fail(f"it never comes to rest: {self.log}")
        assert self.local() == self.world.live(*COLUMNS.values()), self.log
        assert self.base() == self.local(), self.log
        assert self.world.sql("SELECT * FROM sfsync.two_way_awaited") == []


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("policy", POLICIES)
def test_no_edit_is_lost_without_being_listed(tmp_path, policy, seed):
    history = History(tmp_path, policy, seed)
    people = [history.edit_here] * 5 + [history.edit_there] * 5
    people += [history.add_here, history.add_there, history.delete_here, history.delete_there]
    people += [history.merge_there, history.replace_table]
    tools = [history.pull, history.pull, history.make_plan, history.apply, history.apply, history.resolve]
    for _ in range(STEPS):
        for _ in range(history.random.randint(0, 4)):
            history.random.choice(people)()
        history.random.choice(tools)()
    history.end()
