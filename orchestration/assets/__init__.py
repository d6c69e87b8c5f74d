"""The assets, a module a layer; the work is in plain functions elsewhere."""

OWNERS = ["team:data"]
