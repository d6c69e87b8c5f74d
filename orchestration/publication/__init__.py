"""Builds, checks in and publishes tables: dbt, the schema swap, and the status pages."""
