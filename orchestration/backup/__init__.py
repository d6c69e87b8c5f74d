"""Backups: creating one, listing those in a folder, and restoring one."""
