"""Runs the command line as `python -m orchestration.cli`."""

import sys

from orchestration.cli.main import main

sys.exit(main())
