"""The code location as it is, and a sensor that starts a program of the embedded server."""

import tempfile

import dagster as dg

from orchestration import definitions
from orchestration.postgres import embedded
from orchestration.postgres.server_programs import run_program
from orchestration.settings import load_settings


@dg.sensor(target="*")
def program_started() -> dg.SkipReason:
    """Say how a program ended that was started under the account of the server."""
    place = embedded._find_place((load_settings().home / "postgres").resolve())
    with tempfile.TemporaryFile("w+") as output:
        return dg.SkipReason(str(run_program(place, "pg_ctl", "--version", output=output)))


defs = dg.Definitions.merge(definitions.defs, dg.Definitions(sensors=[program_started]))
