"""Kinds of sources: delivery folders (CSV, Parquet), PostgreSQL schemas, other databases."""
