"""Judges the SQL of a plan: what it locks, and what is dangerous in it.

Runs where a plan is read, not where it is carried out: it needs pglast (PostgreSQL's own grammar)
and squawk, which hosts do not have. `results` alone needs neither.
"""
