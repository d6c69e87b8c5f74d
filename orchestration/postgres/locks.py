"""Keys of all advisory locks, which share one number space in each database."""

RUN = 7_301_845_117  # held by the run in progress
RUN_ID = 7_301_845_118  # first key of the lock that each run holds on its own id
BACKFILL = 7_301_845_119  # held by the backfill in progress
# 7_301_845_120 is used by reports/status_pages.py, which does not import this package.
PAGE_RIGHTS = 7_301_845_121  # held by access.grant_rights: one change of rights at a time
NOTIFICATIONS = 7_301_845_122  # held by the process that sends notifications
MIGRATION = 7_301_845_123  # held by the migration in progress
DAGSTER_STORAGE = 7_301_845_124  # held while tables of Dagster are created
LOAD = 7_352_861_204  # held by the load in progress
