"""Writes to the org, with everything Salesforce does along with them; every protocol's routes end here."""
