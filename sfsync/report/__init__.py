"""The report: one self-contained HTML file that a person can read, print and pass on."""

from __future__ import annotations

from sfsync.report.build import build_report, check_place, write_report

__all__ = ["build_report", "check_place", "write_report"]
