"""Notifications: what is wrong, who was told of it, and the channels by which people are told."""
