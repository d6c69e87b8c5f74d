"""Loads deliveries into the raw tables (R1, R2), independently of Dagster."""
