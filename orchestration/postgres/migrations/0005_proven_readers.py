"""Row policies that look up the session, sign-in limits, and an access log that is a hash chain."""

from orchestration.postgres.migrate import execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
