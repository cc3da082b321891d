"""What `definitions:` in sfsync.yml binds: whether a notion is bound, and what to write where it is not."""

from __future__ import annotations

from collections.abc import Mapping

from sfsync.audit.rule import Notion
from sfsync.config.definitions import Definitions
from sfsync.config.definitions_lead_conversion import RETRIEVE_MAPPING, RETRIEVE_OPTIONS

#: Notion → what to write into sfsync.yml. A notion that is not named here is told by its path alone.
HOW_TO_BIND: Mapping[str, str] = {
    "framework": (
        "say in sfsync.yml which fields are evidence of which criterion, e.g. "
        "`definitions: {frameworks: {BANT: {min: 3, budget: [Budget_Confirmed__c], "
        "authority: [Is_Decision_Maker__c], need: [Pain__c], timeline: [Timeframe__c]}}}`"
    ),
    "deals.sales_processes": (
        "say in sfsync.yml which stages each sales process has, e.g. `definitions: {deals: {sales_processes: "
        "{New business: {record_types: [New_Business], stages: [Discovery, Proposal, Won, Lost]}}}}`"
    ),
    **{
        f"lead_status.{phase}": (
            f"say in sfsync.yml which lead statuses mean {phase}: `definitions: {{lead_status: {{{phase}: [...]}}}}`"
        )
        for phase in ("new", "working", "qualified", "disqualified")
    },
    "scoring": (
        "say in sfsync.yml which field of the lead holds its score: "
        "`definitions: {scoring: {field: Score__c, hot: 80, floor: 20}}`"
    ),
    "icp": (
        "say in sfsync.yml what an ideal customer looks like, e.g. "
        "`definitions: {icp: {Industry: [Banking, Insurance], NumberOfEmployees: {min: 50}}}`"
    ),
    "required_by_status": (
        "say in sfsync.yml which fields are filled by which lead status, e.g. "
        "`definitions: {required_by_status: {Qualified: [Phone, Industry]}}`"
    ),
    "lead_path": (
        "say in sfsync.yml which lead statuses every lead goes through before it is converted: "
        "`definitions: {lead_path: [Working, Qualified]}`"
    ),
    "stage_exit": (
        "say in sfsync.yml what is known of an opportunity before it leaves a stage, e.g. "
        "`definitions: {stage_exit: {Qualification: [Amount, {contact_role: [Decision Maker]}]}}`"
    ),
    "pricing": (
        "say in sfsync.yml how to see that a price has been spoken of, e.g. "
        "`definitions: {pricing: [Quoted_Price__c, {activity: {subject: 'pric(e|ing)|quote'}}]}`"
    ),
    "reasons.disqualified": (
        "name in sfsync.yml the lead's field that says why it was disqualified: "
        "`definitions: {reasons: {disqualified: Disqualified_Reason__c}}`"
    ),
    "reasons.lost": (
        "name in sfsync.yml the opportunity's field that says why it was lost: "
        "`definitions: {reasons: {lost: Loss_Reason__c}}`"
    ),
    "assignment": (
        "say in sfsync.yml who is to own which leads, e.g. "
        "`definitions: {assignment: [{when: {Country: [Germany, Austria]}, owners: [ana@example.com]}]}`"
    ),
    "business_hours": (
        "say in sfsync.yml when somebody is there to answer: `definitions: {business_hours: "
        "{days: [mon, tue, wed, thu, fri], from: '09:00', to: '17:00', holidays: [2026-12-25]}}`"
    ),
    "lead_conversion.mapping": (
        f"run `{RETRIEVE_MAPPING}` and name the file it writes in sfsync.yml: `definitions: {{lead_conversion: "
        "{settings_file: force-app/main/default/LeadConvertSettings/LeadConvertSettings.LeadConvertSetting-meta.xml}}`;"
        " or list the pairs: `mapping: [{lead: Budget__c, to: Opportunity.Budget__c}]` (`[]` where none is mapped)"
    ),
    "lead_conversion.options": (
        f"run `{RETRIEVE_OPTIONS}` and name the file it writes in sfsync.yml: `definitions: {{lead_conversion: "
        "{lead_settings_file: force-app/main/default/settings/LeadConfig.settings-meta.xml}}`"
    ),
    "lead_conversion.record_types": (
        "say in sfsync.yml which record types are expected after the conversion of which leads: `definitions: "
        "{lead_conversion: {record_types: {Inbound: {Opportunity: [New_Business]}}}}`"
    ),
}


def is_bound(definitions: Definitions, notion: Notion) -> bool:
    """Whether sfsync.yml says what the org means by this: a path into the definitions that leads to something."""
    if notion == "framework":
        return definitions.in_force is not None
    found: object = definitions
    for step in notion.split("."):
        found = getattr(found, f"knows_{step}", getattr(found, step, None))
    return bool(found)


def how_to_bind(notion: Notion) -> str:
    """What to write into sfsync.yml."""
    told = HOW_TO_BIND.get(notion)
    if told is not None:
        return told
    first, *others = notion.split(".")
    inner = "[...]"
    for step in reversed(others):
        inner = f"{{{step}: {inner}}}"
    return f"say in sfsync.yml what `{notion}` means in this org: `definitions: {{{first}: {inner}}}`"
