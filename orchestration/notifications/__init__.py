"""Telling people what is wrong: each alarm once when it begins, once when it ends.

Belongs here: what is an alarm, which are under way, who was told, by webhook and e-mail. Does not:
the rules behind them (R12 is dbt's), nor when to look: after each run and by a sensor.
"""
