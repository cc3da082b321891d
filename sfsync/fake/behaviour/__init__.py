"""What an admin sets up in an org: permissions, rules, record types, calculated fields, currencies.

Nothing is set up in a new org. Tests declare what they need through `FakeOrg` (`hide`, `set_permissions`, `add_user`,
`add_validation_rule`, `add_duplicate_rule`, `add_assignment_rule`, `add_record_type`, `add_formula`, `add_roll_up`,
`multi_currency`), whose methods stand in `declarations`; writes and queries ask `Behaviour` what to do.
"""
