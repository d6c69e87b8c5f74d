"""WhatsApp Business Cloud API webhooks, kept as JSON lines, stored as events in the raw tables.

Belongs here: from a line of a file to a row of an event. Does not: receiving them
(`orchestration/webhook`), nor what they say of a delivered row (the staging models).
"""
