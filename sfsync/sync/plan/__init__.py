"""Plans: what a push would write, change by change, found out before anything is written."""
