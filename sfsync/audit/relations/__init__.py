"""Relations: what several rules share, read in their SQL by a bare name like a table.

A relation of records is a file `name.yml` of one SELECT; one made of settings, of what the org says about its fields,
or of the mirror's own ledger is a module `name.py` with a `RELATION`. A rule that reads one inherits what it needs.
"""
