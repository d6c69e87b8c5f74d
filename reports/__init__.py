"""How it is shown: pages in Brazilian Portuguese over the published tables.

Belongs here: labels, filters, view models with their queries, templates, and writing a set of
pages. Does not: any rule R3–R13 (those are SQL in `dbt_project/`), any clock, any Dagster.
"""
