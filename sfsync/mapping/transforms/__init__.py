"""Transforms: how values differ between the org and here, and the SQL that carries them both ways."""
