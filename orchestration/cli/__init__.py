"""The command line, `atendimento`."""
