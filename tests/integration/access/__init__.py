"""R14 and LGPD in the database: roles, row policies, search, erasure."""
