"""PostgreSQL: addresses and connections, the embedded server, client programs, migrations."""
