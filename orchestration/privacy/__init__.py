"""Erasing one client's personal data everywhere (LGPD)."""
