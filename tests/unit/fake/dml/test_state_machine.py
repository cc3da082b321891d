"""Writes in any order, compared with a few dictionaries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from sfsync.fake import FakeOrg, dml
from sfsync.fake.clock import Clock
from sfsync.fake.dml import WriteOptions

NAMES = st.sampled_from(["Ada", "Bob", "  Cleo ", "", None, "x" * 300])
KEYS = st.sampled_from(["k1", "K1", "k2", "k3", "", None])


@dataclass
class Known:
    """An account or contact as it should be."""

    kind: str
    name: str
    key: str | None = None
    account: str | None = None
    deleted: datetime | None = None
    root: str | None = None  # with whom it was deleted


class Writes(RuleBasedStateMachine):
    """Accounts with unique keys, and contacts that go with their accounts."""

    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.org = FakeOrg.empty(clock=Clock(datetime(2026, 3, 1), ticking=False))
        self.org.add_field("Account", "Key__c", "string", external_id=True, unique=True)
        self.options = WriteOptions(self.org.admin_id)
        self.known: dict[str, Known] = {}
        self.gone: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "org"):
            self.org.close()

    # --- what is expected ------------------------------------------------------------------------------------------

    def _name_fits(self, name: str | None) -> bool:
        return bool(name and name.strip()) and len(str(name)) <= 80

    def _holder(self, key: str | None) -> str | None:
        wanted = (key or "").lower()
        found = [i for i, one in self.known.items() if wanted and (one.key or "").lower() == wanted and not one.deleted]
        return found[0] if found else None

    # --- writes ----------------------------------------------------------------------------------------------------

    @rule(target=ids, rows=st.lists(st.tuples(NAMES, KEYS), min_size=1, max_size=3))
    def create_accounts(self, rows: list[tuple[str | None, str | None]]) -> Any:
        sent = [{"Name": name, "Key__c": key} for name, key in rows]
        outcomes = dml.create(self.org, "Account", sent, self.options)
        made = []
        for (name, key), outcome in zip(rows, outcomes, strict=True):
            # An account's name may be longer than a contact's.
            expected = bool(name and name.strip()) and len(str(name)) <= 255 and self._holder(key) is None
            assert outcome.success == expected, outcome
            if outcome.id is not None:
                self.known[outcome.id] = Known("Account", str(name).strip(), key or None)
                made.append(outcome.id)
        return multiple(*made)

    @rule(target=ids, account=ids, name=NAMES)
    def create_contact(self, account: str, name: str | None) -> Any:
        [outcome] = dml.create(self.org, "Contact", [{"LastName": name, "AccountId": account}], self.options)
        parent = self.known.get(account)
        sound = parent is not None and parent.kind == "Account" and not parent.deleted
        assert outcome.success == (sound and self._name_fits(name)), outcome
        if outcome.id is None:
            return multiple()
        self.known[outcome.id] = Known("Contact", str(name).strip(), account=account)
        return outcome.id

    @rule(one=ids, name=NAMES, key=KEYS, together=st.booleans())
    def update(self, one: str, name: str | None, key: str | None, together: bool) -> None:
        known = self.known.get(one)
        kind = known.kind if known else "Account"
        row = {"Id": one, "Name": name, "Key__c": key} if kind == "Account" else {"Id": one, "LastName": name}
        options = WriteOptions(self.org.admin_id, all_or_none=together)
        [outcome] = dml.update(self.org, kind, [row], options)
        longest = 255 if kind == "Account" else 80
        sound = known is not None and not known.deleted and bool(name and name.strip()) and len(str(name)) <= longest
        if kind == "Account":
            sound = sound and self._holder(key) in (None, one)
        assert outcome.success == sound, outcome
        if sound and known is not None:
            known.name = str(name).strip()
            known.key = (key or None) if kind == "Account" else None

    @rule(target=ids, name=NAMES, key=KEYS)
    def upsert(self, name: str | None, key: str | None) -> Any:
        holder = self._holder(key)
        [outcome] = dml.upsert(self.org, "Account", "Key__c", [{"Name": name, "Key__c": key}], self.options)
        sound = bool(key) and bool(name and name.strip()) and len(str(name)) <= 255
        assert outcome.success == sound, outcome
        if not sound:
            return multiple()
        assert outcome.created == (holder is None)
        if holder is not None:
            assert outcome.id == holder
            self.known[holder].name, self.known[holder].key = str(name).strip(), key
            return multiple()
        self.known[str(outcome.id)] = Known("Account", str(name).strip(), key)
        return outcome.id

    @rule(chosen=st.lists(ids, min_size=1, max_size=3), together=st.booleans())
    def delete(self, chosen: list[str], together: bool) -> None:
        options = WriteOptions(self.org.admin_id, all_or_none=together)
        before = {one: Known(**vars(known)) for one, known in self.known.items()}
        # Accounts and contacts are deleted kind by kind, the kind that is named first first.
        expected = dict.fromkeys(range(len(chosen)), False)
        for kind in dict.fromkeys(one[:3] for one in chosen):
            places = [place for place, one in enumerate(chosen) if one[:3] == kind]
            live = {p for p in places if (k := self.known.get(chosen[p])) is not None and not k.deleted}
            for place in places:
                first = chosen[place] not in [chosen[p] for p in places if p < place]
                expected[place] = place in live and first
            for place in places:
                if expected[place]:
                    self._expect_deleted(chosen[place])
        outcomes = dml.delete(self.org, chosen, options)
        if together and not all(expected.values()):
            self.known = before
            assert not any(outcome.success for outcome in outcomes)
        else:
            assert [outcome.success for outcome in outcomes] == list(expected.values())

    def _expect_deleted(self, one: str) -> None:
        now = self.org.clock.stamp()
        self.known[one].deleted, self.known[one].root = now, None
        for child in self.known.values():
            if child.account == one and not child.deleted:
                child.deleted, child.root = now, one

    @rule(one=ids)
    def hard_delete(self, one: str) -> None:
        [outcome] = dml.delete(self.org, [one], self.options, hard=True)
        assert outcome.success == (one in self.known)
        binned = one in self.known and self.known[one].deleted is not None
        children = [other for other, known in self.known.items() if known.account == one]
        family = [one, *(child for child in children if not binned or self.known[child].deleted)]
        self._expect_gone(family)

    @rule(one=ids)
    def undelete(self, one: str) -> None:
        known = self.known.get(one)
        expected = known is not None and known.deleted is not None
        [outcome] = dml.undelete(self.org, [one], self.options)
        assert outcome.success == expected
        if known is not None and expected:
            known.deleted = known.root = None
            for child in self.known.values():
                if child.root == one:
                    child.deleted = child.root = None

    @rule(days=st.sampled_from([1, 7, 15]))
    def wait(self, days: int) -> None:
        self.org.clock.advance(timedelta(days=days))
        dml.purge(self.org)
        latest = self.org.clock.stamp() - timedelta(days=15)
        self._expect_gone([one for one, known in self.known.items() if known.deleted and known.deleted <= latest])

    def _expect_gone(self, chosen: list[str]) -> None:
        for one in chosen:
            if one in self.known:
                del self.known[one]
                self.gone.add(one)
        for known in self.known.values():
            if known.account in chosen:
                known.account = None
            if known.root in chosen:
                known.root = None

    # --- what is there ---------------------------------------------------------------------------------------------

    @invariant()
    def the_org_is_as_expected(self) -> None:
        if not hasattr(self, "org"):
            return
        with self.org.database.reading() as cursor:
            accounts = cursor.execute('SELECT "Id", "Name", "Key__c", NULL, "IsDeleted" FROM "Account"').fetchall()
            contacts = cursor.execute('SELECT "Id", "Name", NULL, "AccountId", "IsDeleted" FROM "Contact"').fetchall()
        found = {row[0]: row[1:] for row in accounts + contacts}
        expected = {
            one: (known.name, known.key, known.account, known.deleted is not None) for one, known in self.known.items()
        }
        assert {one: (*row[:2], row[3]) for one, row in found.items()} == {
            one: (*row[:2], row[3]) for one, row in expected.items()
        }
        live = {one for one, known in self.known.items() if not known.deleted}
        assert {one: found[one][2] for one in live} == {one: expected[one][2] for one in live}
        assert all(dml.status_of(self.org, one) == "absent" for one in list(self.gone)[:2])


TestWrites = Writes.TestCase
TestWrites.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
