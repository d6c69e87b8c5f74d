"""What happens to the files of received WhatsApp events: none is lost, whatever stops.

Here is what machines and other programs do to the spool folder. Not: receiving (`test_webhook.py`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from deliveries import BASE, agenda, dispatch, load
from whatsapp_payloads import body, spooled, status

from orchestration import embedded
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool

FIRST = {**BASE, "agenda": [agenda()], "dispatch": [dispatch()]}
SENT = body([status("sent", "2026-11-20T12:01:00+00:00")])


def test_a_database_that_crashes_once_files_are_put_away_still_has_their_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    home.chmod(0o711)
    try:
        database = embedded.start(home / "postgres")
        load(database, tmp_path / "1", FIRST)
        put_away = spool.put_away

        def then_crash(folder: Path, files: Iterable[Path]) -> None:
            put_away(folder, files)
            embedded.stop(home / "postgres", "immediate")

        monkeypatch.setattr(spool, "put_away", then_crash)
        waiting = spooled(tmp_path / "spool", [SENT])
        with pytest.raises(Exception, match="database"):
            load_delivery(database, None, LoadSettings(whatsapp_spool=waiting))
        assert spool.closed_files(waiting) == []
        with embedded.start(home / "postgres").connect() as conn:
            known = conn.execute("select status from raw.whatsapp_status").fetchall()
        assert known == [("sent",)]
    finally:
        embedded.stop(home / "postgres", "immediate")
        shutil.rmtree(home)
