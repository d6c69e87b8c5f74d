"""Stores webhooks of the WhatsApp Business Cloud API as events in the raw tables.

The events are received by `orchestration/webhook` and applied to delivered rows by the staging
models.
"""
