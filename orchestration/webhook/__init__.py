"""Receives WhatsApp's webhooks into a folder.

The receiver is off by default and uses no database, so events are received even while the database
is down; the next run loads them (`ingest/whatsapp`).
"""
