from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser

import pytest

from sfsync.audit import audit
from sfsync.config.settings import Settings
from sfsync.errors import SfsyncError
from sfsync.records import RuleState
from sfsync.report import check_place, write_report
from sfsync.report.rule_cards import MOST_FINDINGS, by_weight, with_statements
from sfsync.report.text import is_record_id
from tests.unit.report.conftest import Audited

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(2)</script>",
    "\"><img src=x onerror='alert(3)'>",
    "</svg><svg onload=alert(4)>",
    "</textarea></title><iframe src=https://evil.example></iframe>",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(5)} `x`",
    "<!-- ]]> &lt;b&gt;",
    "javascript:alert(6)",
    "\u202egnp.exe",
    '=HYPERLINK("https://evil.example")',
    "\x00\x1b[31mred",
)

HARMLESS = re.compile(
    r"html|head|meta|title|style|body|a|header|p|h[1-4]|d[ldt]|div|code|main|section|[uo]l|li|span|nav|article|pre|br|strong|bdi|"
    r"figure|figcaption|svg|g|path|text|line|rect|desc|details|summary|table|caption|thead|tbody|t[rhd]"
)

RULE = """
version: 1
id: HOUSE001
name: house-rule
title: "{title}"
group: house rules
since: "1"
object: Lead
population: leads
severity: error
confidence: certain
why: "{why}"
remedy: Look at it.
needs:
  Lead: {{Id: text, LastName: text, Email: text, IsConverted: boolean, LeadSource: text}}
eligible: SELECT l.Id AS record_id FROM sf.Lead AS l
sql: |
  SELECT {record_id} AS record_id, l.LeadSource AS breakdown, l.LastName AS who, l.Email AS mail
  FROM sf.Lead AS l WHERE l.Id IN (SELECT e.record_id FROM eligible AS e)
message: "{{who}} <{{mail}}> is wrong"
examples:
  - name: everyone is wrong
    given: {{Lead: [{{Id: 00QFk0000000001MAA, LastName: X, Email: x@example.com}}]}}
    finds: [{{Id: {example}}}]
  - name: nobody is wrong
    given: {{Lead: []}}
    finds: []
"""


def house_rule(title="It is wrong", why="Because.", record_id="l.Id", example="00QFk0000000001MAA"):
    return {"HOUSE001-house-rule.yml": RULE.format(title=title, why=why, record_id=record_id, example=example)}


def leads(count=1, **values):
    return [
        {
            "Id": f"00QFk{number:010d}MAA",
            "IsDeleted": False,
            "LastName": "Musterfrau",
            "Email": "erika@example.com",
            "LeadSource": "Web",
            "IsConverted": False,
            "ConvertedDate": None,
            "CreatedDate": datetime(2025, 3, 1, 9),
        }
        | values
        for number in range(1, count + 1)
    ]


@dataclass
class Page(HTMLParser):
    """What a browser would see in a page: tags with their attributes, and the text outside of style sheets."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> Iterator[str]:
        return (attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes)


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def without_gaps(text: str) -> str:
    return text.replace(" ", "")


def plain(sentence: str) -> str:
    """A sentence as the page has it, where backticks turn into code and lines run on."""
    return without_gaps(" ".join(sentence.split())).replace("`", "")


def assert_harmless(html: str) -> None:
    page = read(html)
    assert [tag for tag, _ in page.tags if not HARMLESS.fullmatch(tag)] == []
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset", "action"}], tag
    assert all(
        re.match(r"#|https://[a-z0-9.-]+(:\d+)?(/lightning/r/\w+/\w+/view)?$", link) for link in page.values("href")
    )
    assert not re.search(r"url\(|@import|expression\(", "".join(page.values("style")) + html[: html.index("</style>")])


def test_the_seeded_org_gives_a_page_that_says_everything(seeded):
    page = read(seeded.html())
    for result in seeded.result.rules:
        assert result.rule.id in page.ids or result.state is not RuleState.FINDING
        assert result.rule.title in page.text
    for words in ("Northwind", "31 January 2026, 12:00 UTC", "Europe/Berlin", "acme.my.salesforce.com", "95% interval"):
        assert words in page.text
    assert seeded.result.definitions_digest in page.text


def test_the_headline_numbers_are_those_of_the_audit(seeded):
    page = read(seeded.html())
    rules, strip = seeded.result.rules, seeded.result.strip
    touched = {finding.record_id for finding in seeded.result.findings()}
    for figure, label in (
        *((strip.new, "New"), (strip.persisting, "Persisting"), (strip.fixed, "Fixed"), (strip.waived, "Waived")),
        (strip.not_evaluable, "Not evaluable"),
    ):
        assert f"{figure:,} {label}" in page.text
    clean = [result for result in rules if result.state is RuleState.PASS and not result.vacuous]
    assert f"{len(clean)} rules looked and found nothing" in page.text
    assert f"{len(touched):,} records are touched" in page.text
    conversion = seeded.result.metrics[0]
    assert f"{conversion.context['converted']} of {conversion.n} leads" in page.text


def test_the_page_is_one_small_file_without_scripts_that_fetches_nothing(seeded):
    html = seeded.html()
    assert len(html.encode()) < 300_000
    assert_harmless(html)
    assert "default-src 'none'" in html


def test_every_anchor_leads_somewhere_and_no_id_is_given_twice(seeded):
    page = read(seeded.html(include_values=True))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(page.ids)
    assert {name for names in page.values("aria-labelledby") for name in names.split()} <= set(page.ids)


def test_the_same_audit_gives_the_same_page(seeded):
    assert seeded.html() == seeded.html()


def test_findings_link_to_their_records_in_the_org(seeded):
    html = seeded.html()
    for result in seeded.result.rules:
        for finding in seeded.result.findings(result.rule.id, limit=5):
            link = f"https://acme.my.salesforce.com/lightning/r/{finding.object}/{finding.record_id}/view"
            if is_record_id(finding.record_id):
                assert f'href="{link}"' in html
            else:  # a finding about a field has no page of its own
                assert finding.record_id in html


def test_no_person_of_the_seeded_org_is_named_unless_asked_for(seeded):
    html = read(seeded.html()).text
    with seeded.store.reading() as session:
        people = session.execute(
            'SELECT "Name" FROM sf_all."Lead" UNION SELECT "Email" FROM sf_all."Lead" UNION SELECT "Name" FROM sf_all."Contact"'
            ' UNION SELECT "Name" FROM sf_all."User" UNION SELECT "Company" FROM sf_all."Lead" UNION SELECT "Phone" FROM sf_all."Lead"'
        )
        named = [name for (name,) in people if name and len(name) > 5 and name in html]
    assert named == []


def test_messages_appear_only_when_values_are_asked_for(audited):
    made = audited({"Lead": leads()}, house_rule())
    assert "Musterfrau" not in made.html()
    assert "erika@example.com" not in made.html()
    shown = made.html(include_values=True)
    assert "Musterfrau &lt;erika@example.com&gt; is wrong" in shown
    assert "Contains values from the org" in shown


def test_a_rule_that_hands_over_an_address_as_an_id_does_not_leak_it(audited):
    made = audited({"Lead": leads()}, house_rule(record_id="l.Email", example="x@example.com"))
    assert "erika@example.com" not in made.html()
    assert "(not a record Id)" in made.html()
    assert "erika@example.com" in made.html(include_values=True)


def test_a_group_label_that_is_a_person_is_shown_only_when_asked_for(audited):
    people = [*leads(1, LeadSource="via erika@example.com"), leads(2)[1]]
    made = audited({"Lead": people}, house_rule())
    assert "erika@example.com" not in made.html()
    assert "(looks like personal data)" in made.html()
    assert "via erika@example.com" in made.html(include_values=True)


@pytest.mark.parametrize("include_values", [False, True])
def test_hostile_values_are_shown_as_text_and_do_nothing(audited, include_values):
    given = leads(len(HOSTILE))
    for lead, value in zip(given, HOSTILE, strict=True):
        lead.update(LastName=value, LeadSource=value, Email=value)
    made = audited({"Lead": given}, house_rule())
    html = made.html(include_values=include_values, project_name=" ".join(HOSTILE)[:100])
    assert_harmless(html)
    assert not re.search("[\x00-\x08\x1b\u202e]", html)
    page = read(html)
    for value in HOSTILE[:-3]:
        assert " ".join(value.split())[:12] in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_hostile_address_of_the_org_becomes_no_link(audited):
    made = audited({"Lead": leads()}, house_rule(), instance_url='javascript:alert(1)//"><script>')
    html = made.html()
    assert_harmless(html)
    assert "lightning" not in html
    assert "not known" in read(html).text


def test_hostile_words_of_a_rule_are_shown_as_text(audited):
    made = audited(
        {"Lead": leads()}, house_rule(title="<b>bold</b> {{ title }}", why="</article><script>alert(1)</script>")
    )
    html = made.html()
    assert_harmless(html)
    assert "<b>bold</b> {{ title }}" in read(html).text


def test_many_findings_are_capped_and_the_rest_is_a_command_away(audited):
    made = audited({"Lead": leads(MOST_FINDINGS + 7)}, house_rule())
    html = made.html()
    assert html.count("/lightning/r/Lead/") == html.count("/view") >= MOST_FINDINGS
    page = read(html)
    assert "… and 7 more" in page.text
    command = re.search(r'sfsync query --csv "(SELECT [^"]+HOUSE001\')"', page.text)[1]
    with made.store.reading() as session:
        assert len(session.execute(command)) == MOST_FINDINGS + 7


def test_rules_that_cannot_be_evaluated_say_why_and_what_would_help(audited):
    made = audited({"Lead": leads()})
    page = read(made.html())
    blind = [result for result in made.result.rules if result.state is RuleState.NOT_EVALUABLE]
    assert blind
    assert "What could not be evaluated" in page.text
    for result in blind:
        assert plain(result.reason) in without_gaps(page.text)
        assert result.enable is None or plain(result.enable) in without_gaps(page.text)


def test_metrics_without_a_value_say_why(audited):
    page = read(audited({"Lead": leads()}).html())
    assert "Win rate Not evaluable" in page.text
    assert "the mirror holds no Opportunity" in page.text
    assert "fewer than half of the leads convert" in page.text


def test_an_empty_mirror_still_gives_a_page(audited):
    lead = {"Id": None, "IsDeleted": None, "IsConverted": None, "CreatedDate": None}
    made = audited({"Lead": [lead]})
    with made.store.writing() as session:
        session.execute('DELETE FROM sf_all."Lead"')
    html = made.html()
    assert_harmless(html)
    assert "by-month-title" not in html


def test_young_months_are_marked_in_the_chart_and_in_the_table(audited):
    page = read(audited({"Lead": leads() + leads(2, CreatedDate=datetime(2026, 1, 20))[1:]}).html())
    assert "too young to judge; these will still rise" in page.text
    assert "2026-01 1 0 0.0%" in page.text


def test_the_exact_statement_and_its_settings_are_in_the_page(seeded):
    page = read(seeded.html())
    cards = by_weight(seeded.result.rules)
    shown = with_statements(cards)
    for result in cards:
        assert (" ".join(result.sql.split()) in page.text) is (result.rule.id in shown)
        assert result.rule.id in shown or f"sfsync rule explain {result.rule.id} shows the exact statement" in page.text
    assert shown
    assert "Confidence: certain" in page.text


def test_findings_of_different_severity_are_told_apart(seeded):
    late = seeded.result.rule("OP007")
    assert len(late.severities) > 1
    told = " ".join(
        f"{name} {late.severities[each]}"
        for each, name in zip(sorted(late.severities), ("Error", "Warning"), strict=True)
    )
    assert told in read(seeded.html()).text


def test_the_open_amount_with_errors_is_told_for_each_currency_apart(audited):
    deal = {"IsDeleted": False, "IsClosed": False, "IsWon": False, "AccountId": None, "StageName": "Prospecting"}
    deals = [
        deal | {"Id": f"006Fk{n:010d}IAA", "Amount": amount, "CurrencyIsoCode": currency}
        for n, (amount, currency) in enumerate([(1000.0, "EUR"), (500.0, "EUR"), (9000.0, "JPY")], 1)
    ]
    page = read(audited({"Lead": leads(), "Opportunity": deals}).html())
    assert "3 open opportunities have errors, worth EUR 1,500 + JPY 9,000." in page.text


def test_writing_replaces_the_old_file_whole_and_for_its_owner_alone(seeded, tmp_path):
    path = tmp_path / "new" / "report.html"
    write_report(path, seeded.store, seeded.result, project_name="Northwind")
    write_report(path, seeded.store, seeded.result, project_name="Southwind")
    assert "Southwind" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_said_plainly(seeded, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SfsyncError, match="cannot be written") as caught:
        write_report(tmp_path / "file" / "report.html", seeded.store, seeded.result, project_name="x")
    assert "--output" in caught.value.hint


def test_a_folder_in_the_place_of_a_report_is_refused(tmp_path):
    with pytest.raises(SfsyncError, match="cannot be written"):
        check_place(tmp_path)
    check_place(tmp_path / "new" / "report.html")
    assert not any(tmp_path.iterdir())


def test_real_marketing_leads_give_the_known_figures(olist_audited):
    page = read(olist_audited.html())
    assert "10.5% 95% interval 9.9\N{EN DASH}11.2% 842 of 8,000 leads" in page.text
    assert "(blank) 60 14 23.3%" in page.text
    assert "a win rate cannot be computed from wins alone" in page.text


def test_an_unfit_mirror_is_said_on_top_and_on_every_card(audited):
    gate = (
        house_rule()["HOUSE001-house-rule.yml"]
        .replace("HOUSE001", "SY901")
        .replace("severity: error", "gate: true\nseverity: error")
    )
    page = read(audited({"Lead": leads()}, {"SY901.yml": gate}).html())
    assert "THE MIRROR IS UNFIT TO BE JUDGED" in page.text
    assert "SY901: It is wrong (1)" in page.text
    assert page.text.count("mirror unfit") == 1


def test_findings_are_told_apart_by_what_became_of_them(audited, tmp_path):
    first = audited({"Lead": leads(2)}, house_rule())
    assert "the first audit: nothing to compare with" in first.html()
    with first.store.writing() as session:
        session.execute('DELETE FROM sf_all."Lead" WHERE "Id" = \'00QFk0000000001MAA\'')
    second = Audited(first.store, audit(first.store, Settings(), rules_dir=tmp_path / "rules", select=["HOUSE001"]))
    page = read(second.html())
    assert "1 Fixed" in page.text
    assert without_gaps("persisting 1 fixed 1") in without_gaps(page.text)
    assert "The oldest was found first as of 31 January 2026" in page.text
