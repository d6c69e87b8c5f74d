"""The assets, a module a layer. An asset says when and with what; the work is in plain functions."""
