"""Serving the lookup page: configuration, checks before the start, the HTTP server, `/metrics`."""
