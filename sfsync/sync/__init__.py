"""Keeps the mirror and the org in step."""
