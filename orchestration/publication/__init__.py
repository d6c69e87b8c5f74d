"""From built tables to published ones: dbt, the schema swap, and the status pages."""
