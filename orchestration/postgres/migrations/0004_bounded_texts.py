"""Ids without white space around them, and texts of bounded length."""

from orchestration.postgres.migrate import execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
