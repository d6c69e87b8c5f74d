"""Serves Dagster's UI to its own pages alone: other sites can neither read it nor start runs."""
