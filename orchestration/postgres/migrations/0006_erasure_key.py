"""The key of erased numbers moved out of the database, into the state folder."""

import json
import os
from pathlib import Path

from alembic import op
from sqlalchemy import text

from orchestration.postgres.migrate import MigrationError, execute_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Write the keys of the database and of `erased.json` to a file, then drop them."""
    config = op.get_context().config
    home = config.attributes["home"] if config else None
    secrets = op.get_bind().execute(text("select secret from access.erased_secret order by 1"))
    keys = [bytes(secret).hex() for (secret,) in secrets]
    if home is not None:
        _keep(home, keys)
    elif keys:
        raise MigrationError("The key of erased numbers needs a state folder to be moved to.")
    execute_file(__file__)


def _keep(home: Path, keys: list[str]) -> None:
    file, record = home / "erasure.key", home / "erased.json"
    there = file.read_text(encoding="ascii").split() if file.exists() else []
    if record.exists():
        keys = [*keys, *json.loads(record.read_text(encoding="utf-8")).get("secrets", ())]
    wanted = list(dict.fromkeys([*there, *keys]))
    if wanted == there:
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = home / f".erasure.key.{os.getpid()}"
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as lines:
        lines.write("".join(f"{key}\n" for key in wanted))
        lines.flush()
        os.fsync(lines.fileno())
    os.replace(partial, file)
    folder = os.open(home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
