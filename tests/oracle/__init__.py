"""Another path: a plain-Python reading of R3–R13, made from the specification and not from the SQL.

Belongs here: the reading, the random deliveries it is tried on, and the harness that compares it
whole with the published tables. Does not: anything learned from the dbt project; a shared mistake
is what this room exists to find.
"""
