"""The numbers of all advisory locks: PostgreSQL has one space of them in each database."""

RUN = 7_301_845_117  # one run at a time
RUN_ID = 7_301_845_118  # first key of the locks that each run holds on its own id
BACKFILL = 7_301_845_119  # one backfill at a time
# 7_301_845_120 is that of reports/status_pages.py, which imports nothing of this package.
PAGE_RIGHTS = 7_301_845_121  # one change of the lookup page's rights; access.grant_rights holds it
NOTIFICATIONS = 7_301_845_122  # one process that sends notifications
MIGRATION = 7_301_845_123  # one migration of the database
LOAD = 7_352_861_204  # one load at a time
