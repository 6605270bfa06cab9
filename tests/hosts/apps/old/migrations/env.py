from __future__ import annotations

from logging.config import fileConfig

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
assert config.config_file_name
fileConfig(config.config_file_name)
with engine_from_config(
    config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool
).connect() as connection:
    context.configure(
        connection=connection, version_table=config.get_main_option("shop_version_table")
    )
    with context.begin_transaction():
        context.run_migrations()
