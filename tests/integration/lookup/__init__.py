"""The lookup page, over a published demo."""
