"""Keeps erased clients erased (LGPD): personal columns, erased numbers, the record of erasures."""
