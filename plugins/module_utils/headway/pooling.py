"""What it means that a pooler stands between us and the server. Needs no SQLAlchemy.

With one that gives the connection to somebody else after each transaction (pgbouncer's
pool_mode=transaction) a session's lock and its settings stay on a connection of the server's
that others go on to use: no lock protects, and lock_timeout hits whom it is not meant for.
"""

from __future__ import annotations

SESSION, TRANSACTION = "session", "transaction"


def transaction_mode(database: str) -> str:
    """Say what a pooler in transaction mode means, as the beginning of a sentence."""
    return (
        f"Between here and {database} stands a pooler in transaction mode (pgbouncer's "
        "pool_mode=transaction, for instance), behind which no lock protects a migration and no "
        "timeout holds"
    )
