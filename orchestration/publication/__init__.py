"""Builds tables with dbt, publishes them by a schema swap, and writes the status pages."""
