"""Queries over the published tables that return typed rows, for the pages' view models."""
