"""The assets, a module a layer: an asset says with what; the work is in plain functions."""
