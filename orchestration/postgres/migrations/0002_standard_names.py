"""Tables and columns renamed to standard terms."""

from orchestration.postgres.migrate import execute_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
