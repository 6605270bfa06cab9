from __future__ import annotations

import os

from alembic import context
from sqlalchemy import NullPool, create_engine

with create_engine(os.environ["SHOP_DB"], poolclass=NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
