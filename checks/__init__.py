"""Is it fit to quote? Suites over what was loaded and over what is about to be published.

Belongs here: volume, share, distribution, freshness and change between runs. Does not: keys,
references, closed lists and sums (dbt's data tests), any rule R3–R13, and when checks run
(orchestration). `validation.py` alone talks to Great Expectations, in a process of its own.
"""
