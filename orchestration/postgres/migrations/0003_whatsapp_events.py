"""WhatsApp events kept apart from delivered rows."""

from orchestration.postgres.migrate import execute_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Execute the SQL file beside this one."""
    execute_file(__file__)
