"""The command line, `atendimento`: a module a command."""
