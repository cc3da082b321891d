"""Applying plans: every change is sent at most once, and ends in exactly one outcome."""
