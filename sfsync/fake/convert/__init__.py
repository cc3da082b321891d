"""Lead conversion: a lead becomes an account, a contact and an opportunity, new ones or those that are there.

The parts: `request` (what is asked and what came of it), `checks` (what speaks against it), `lead_fields` (which value
goes where), `targets` (accounts, contacts, opportunities), `aftermath` (everything that moves along), `run` (in which
order, and what happens when one of many leads fails).
"""

from __future__ import annotations

from sfsync.fake.convert.lead_fields import LeadFieldMap
from sfsync.fake.convert.request import ConvertOutcome, LeadConvert
from sfsync.fake.convert.run import convert_leads

__all__ = ["ConvertOutcome", "LeadConvert", "LeadFieldMap", "convert_leads"]
