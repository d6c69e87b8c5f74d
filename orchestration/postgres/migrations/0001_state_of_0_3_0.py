"""The tables of version 0.3.0."""

from orchestration.postgres.migrate import execute_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
