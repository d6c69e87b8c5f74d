"""Renders the published tables as pages in Brazilian Portuguese.

No rule R3-R13 (those are SQL in `dbt_project/`), no clock and no Dagster.
"""
