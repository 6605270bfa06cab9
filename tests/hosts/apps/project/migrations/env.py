from __future__ import annotations

from alembic import context
from shop import SCHEMA  # type: ignore[import-not-found]
from sqlalchemy import NullPool, engine_from_config

section = context.config.get_section(context.config.config_ini_section, {})
with engine_from_config(section, poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, version_table_schema=SCHEMA)
    with context.begin_transaction():
        context.run_migrations()
