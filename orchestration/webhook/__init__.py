"""The receiver of WhatsApp's webhooks: off unless started, and only ever appending to a folder.

Belongs here: HTTP and the journal on disk. Does not: what a body says (`ingest/whatsapp`), any
database: events are received while there is none, and loaded by the next run.
"""
