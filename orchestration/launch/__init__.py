"""Starts the daily job or a backfill from a command; alone in importing `definitions`."""
