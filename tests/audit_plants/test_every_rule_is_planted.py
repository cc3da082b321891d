"""A rule that is added needs a flaw planted for it, in one of the modules beside this one."""

from __future__ import annotations

import re
from pathlib import Path

from sfsync.audit import load_rules


def test_every_rule_that_comes_with_sfsync_has_a_plant() -> None:
    here = Path(__file__)
    planted = {
        rule_id
        for module in here.parent.glob("*.py")
        if module != here
        for rule_id in re.findall(r"\"([A-Z]{2}[0-9]{3})\"", module.read_text(encoding="utf-8"))
    }
    assert {rule.id for rule in load_rules()} - planted == set()
