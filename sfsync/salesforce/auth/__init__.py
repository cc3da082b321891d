"""Ways to log in to an org, one file a flow; `choose` picks one."""
