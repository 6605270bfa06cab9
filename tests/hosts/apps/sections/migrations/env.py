"""A schema for each tenant, as in alembic's cookbook: alembic -n stock -x tenant=NAME upgrade head."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, engine_from_config, text

tenant = context.get_x_argument(as_dictionary=True)["tenant"]
section = context.config.get_section(context.config.config_ini_section, {})
with engine_from_config(section, poolclass=NullPool).connect() as connection:
    connection.execute(text(f'create schema if not exists "{tenant}"'))
    connection.execute(text(f'set search_path to "{tenant}"'))
    connection.commit()
    connection.dialect.default_schema_name = tenant
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
