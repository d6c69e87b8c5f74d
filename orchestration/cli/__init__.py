"""The command line, `atendimento`: a module a command; each imports what it needs when called."""

from orchestration.cli.main import main

__all__ = ["main"]
