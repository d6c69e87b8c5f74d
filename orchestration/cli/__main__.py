"""Runs the command line as `python -m orchestration.cli`."""

import sys

from orchestration.cli import main

sys.exit(main())
