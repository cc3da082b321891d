"""Audits: rules that judge the mirror, metrics that measure it, and results that say what could not be judged."""

from __future__ import annotations

import sys
from types import ModuleType

from sfsync.audit.load import load_rules
from sfsync.audit.result import AuditResult, RuleResult
from sfsync.audit.rule import Rule
from sfsync.audit.run import audit

__all__ = ["AuditResult", "Rule", "RuleResult", "audit", "load_rules"]


class _CallableModule(ModuleType):
    """`from sfsync import audit` gives this package once a part of it was imported, and the function otherwise."""

    __call__ = staticmethod(audit)


sys.modules[__name__].__class__ = _CallableModule
