"""WhatsApp Business Cloud API webhooks, kept as JSON lines, as versions in the raw tables.

Belongs here: from a line of a file to events, and from events to versions of dispatches, replies
and clients. Does not: receiving them (`orchestration/webhook`), nor what a status means (R5).
"""
