"""When things run: settings, the command line, the Dagster code location and ingest."""

VERSION = "0.5.0"
"""The program's, as in pyproject.toml: what state was made by, and may be opened by."""
