"""Columns about calls: when to call again, why a client refused, who is not to be phoned."""

from orchestration.postgres.migrate import execute_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
