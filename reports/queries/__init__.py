"""Queries over the published tables, as typed rows; pages build their view models from them."""
