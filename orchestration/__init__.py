"""When things run: settings, the command line, the Dagster code location and ingest."""
