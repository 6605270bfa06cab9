"""Of env.py and alembic.ini in the styles that are met, the probe says what alembic says, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from headway.probe import probe
from headway.project import Project

from tests.conftest import Database
from tests.integration.engine.probing import alembic, check
from tests.integration.engine.test_env_styles import ASYNC, FROM_ENVIRONMENT, TENANT
from tests.unit.engine.apps import ENV_PY, App, doubled

CONFIGURE = "context.configure(connection=connection)"
BOTH_HALVES = '''
"""In the style of an app that keeps to what `alembic init` wrote."""
import logging
from logging.config import fileConfig
from alembic import context
from sqlalchemy import engine_from_config, pool
from shop.models import Base

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)
logger = logging.getLogger("alembic.env")
target_metadata = Base.metadata
SKIPPED = {"spatial_ref_sys"}


def include_object(object, name, type_, reflected, compare_to):
    if type_ == "table" and name in SKIPPED:
        return False
    return True


def process_revision_directives(context_, revision, directives):
    if directives and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        logger.info("No changes in schema detected.")


def run_migrations_offline() -> None:
    url = config.get_main_option("sqlalchemy.url")
    context.configure(url=url, target_metadata=target_metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )
    with connectable.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            compare_type=True,
            include_object=include_object,
            process_revision_directives=process_revision_directives,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
'''
# In the style of Flask-Migrate: the engine is the app's, asked for in the app's context.
OF_THE_APP = """
from alembic import context
from shop.web import current_app

def get_engine():
    return current_app.extensions["migrate"].db.engine

config = context.config
config.set_main_option(
    "sqlalchemy.url", get_engine().url.render_as_string(hide_password=False).replace("%", "%%")
)
with get_engine().connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
WEB = """
import os
from types import SimpleNamespace
from sqlalchemy import create_engine

db = SimpleNamespace(engine=create_engine(os.environ["DATABASE_URL"]))
current_app = SimpleNamespace(extensions={"migrate": SimpleNamespace(db=db)})
"""
# In the style of a FastAPI template: the URL is that of a settings object.
OF_SETTINGS = BOTH_HALVES.replace(
    "from shop.models import Base",
    "from shop.models import Base\nfrom shop.settings import settings",
).replace(
    "config.get_section(config.config_ini_section, {}),",
    'config.get_section(config.config_ini_section, {}) | {"sqlalchemy.url": settings.url},',
)
CONFIGURED = (
    BOTH_HALVES.replace("config.get_section(config.config_ini_section, {}),", "configuration,")
    .replace(
        "    connectable =",
        "    configuration = config.get_section(config.config_ini_section)\n"
        '    configuration["sqlalchemy.url"] = get_url()\n    connectable =',
        1,
    )
    .replace(
        "SKIPPED =", "import os\ndef get_url():\n    return os.environ['DATABASE_URL']\nSKIPPED ="
    )
)
# In the style of Airflow: the app's own settings and version table, a lock in env.py.
OWN_ENGINE = """
import contextlib
from alembic import context
from shop.settings import engine

def run_migrations_online():
    with contextlib.ExitStack() as stack:
        connection = stack.push(engine.connect()).__enter__()
        context.configure(
            connection=connection, transaction_per_migration=True, version_table="shop_version"
        )
        with context.begin_transaction():
            context.run_migrations()

run_migrations_online()
"""
SETTINGS = """
import os
from types import SimpleNamespace
from sqlalchemy import create_engine

settings = SimpleNamespace(url=os.environ["DATABASE_URL"])
engine = create_engine(settings.url)
"""
OF_A_CALLER = ENV_PY.replace(
    "engine = ", "given = context.config.attributes.get('connection', None)\nengine = given or "
)
FACTORY = ENV_PY.replace("engine_from_config(section", "make_engine(section").replace(
    "from sqlalchemy import engine_from_config, pool",
    "from sqlalchemy import engine_from_config as make_engine, pool",
)
SET_OPTION = ENV_PY.replace(
    "section = ",
    'url = os.environ["DATABASE_URL"].replace("%", "%%")\n'
    'context.config.set_main_option("sqlalchemy.url", url)\nsection = ',
).replace("from alembic", "import os\nfrom alembic", 1)
OPTIONS = ENV_PY.replace(
    CONFIGURE, "context.configure(connection=connection, **{'version_table': 'other'})"
)
ONE_OF_TWO_TABLES = ENV_PY.replace(
    CONFIGURE,
    "context.configure(connection=connection, version_table='a' if section.get('b') else 'c')",
)
TABLE = ENV_PY.replace(
    CONFIGURE,
    "context.configure(connection=connection, version_table='other', version_table_schema='public')",
)
BY_URL = ENV_PY.replace("engine_from_config, pool", "create_engine, pool").replace(
    'engine_from_config(section, prefix="sqlalchemy.",',
    "create_engine(context.config.get_main_option('sqlalchemy.url'),",
)
STAR = ENV_PY.replace("section = ", "from shop.more import *\nsection = ")
OWN_CONFIG = BY_URL.replace("context.config.get_main", "config.get_main").replace(
    "engine = ", "from shop.more import config\nengine = "
)
MORE = """
import os
from types import SimpleNamespace
from sqlalchemy import create_engine

def engine_from_config(*_, **__):
    return create_engine(os.environ["DATABASE_URL"])

config = SimpleNamespace(get_main_option=lambda name: os.environ["DATABASE_URL"])
"""
LOGGING = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
"""

ANSWERED = {
    "what alembic init wrote, kept": BOTH_HALVES,
    "another version table": TABLE,
    "an engine of the URL": BY_URL,
}
LEFT_TO_ALEMBIC = {
    "the app's engine": OF_THE_APP,
    "the URL of settings": OF_SETTINGS,
    "a changed section": CONFIGURED,
    "an engine of settings": OWN_ENGINE,
    "url from the environment": FROM_ENVIRONMENT,
    "an option set": SET_OPTION,
    "a caller's connection": OF_A_CALLER,
    "tenants": TENANT,
    "another name for the engine's maker": FACTORY,
    "options not written out": OPTIONS,
    "one of two version tables": ONE_OF_TWO_TABLES,
    "names of a star": STAR,
    "a config of the app's": OWN_CONFIG,
}
ELSEWHERE = LEFT_TO_ALEMBIC.keys() - {
    "a caller's connection",
    "tenants",
    "another name for the engine's maker",
    "options not written out",
    "one of two version tables",
}


@pytest.fixture
def shop(make_app: Callable[..., App]) -> Callable[..., App]:
    """Give a function that writes an app with a package `shop`."""

    def make(models: str = "", **more: str) -> App:
        app = make_app(**more)
        app.config.write_text(
            app.config.read_text().replace("\n", "\nprepend_sys_path = .\n", 1) + LOGGING
        )
        package = app.folder / "shop"
        package.mkdir()
        (package / "__init__.py").touch()
        orm = "from sqlalchemy.orm import declarative_base\nBase = declarative_base()\n"
        (package / "base.py").write_text(models + orm)
        (package / "models.py").write_text("from .base import Base\n")
        for name, text in (("web", WEB), ("settings", SETTINGS), ("more", MORE)):
            (package / f"{name}.py").write_text(text)
        app.revision("aaaa", None, "pass")
        app.revision("bbbb", "aaaa", "pass")
        return app

    return make


@pytest.mark.parametrize("style", [*ANSWERED, *LEFT_TO_ALEMBIC])
def test_of_a_style_of_env_py(
    shop: Callable[..., App], database: Database, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    nowhere = "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"
    url = nowhere if style in ELSEWHERE else database.url()
    app = shop(url=url, env_py={**ANSWERED, **LEFT_TO_ALEMBIC}[style])
    monkeypatch.setenv("DATABASE_URL", database.url())
    arguments: tuple[str, ...] = ()
    if style == "tenants":
        database.query("create schema acme")
        arguments = ("tenant=acme",)
    answered = style in ANSWERED
    check(app, pending=answered, at_head=answered, x_arguments=arguments)


MEANS = {
    "a variable": "import os\nos.environ['PGOPTIONS'] = '-c search_path=other'\n",
    "variables": "import os\nos.environ.update(PGOPTIONS='-c search_path=other')\n",
    "every engine": (
        "from sqlalchemy import event\nfrom sqlalchemy.pool import Pool\n"
        "@event.listens_for(Pool, 'connect')\n"
        "def connected(connection, _):\n"
        "    connection.cursor().execute('set search_path to other')\n    connection.commit()\n"
    ),
}


@pytest.mark.parametrize("means", MEANS)
def test_what_a_module_of_the_app_may_turn_elsewhere_is_left_to_alembic(
    shop: Callable[..., App], database: Database, means: str
) -> None:
    database.query("create schema other")
    app = shop(MEANS[means], url=database.url(), env_py=BOTH_HALVES)
    check(app, pending=False, at_head=False)
    assert database.tables("other") == {"alembic_version"}


def test_modules_that_read_the_environment_turn_nothing_elsewhere(
    shop: Callable[..., App], database: Database
) -> None:
    reading = "import os\nname = os.environ.get('NAME')\nother = 'A' or os.environ['A'] == 'b'\n"
    app = shop(reading, url=database.url(), env_py=BOTH_HALVES)
    check(app, pending=True, at_head=True)


def test_what_cannot_be_imported_or_set_up_is_left_to_alembic(
    shop: Callable[..., App], database: Database
) -> None:
    app = shop("import nowhere_to_be_found\n", url=database.url(), env_py=BOTH_HALVES)
    project = Project(str(app.config))
    assert probe(project) is None
    (app.folder / "shop" / "base.py").write_text("Base = None\n")
    assert probe(project) is not None
    app.config.write_text(app.config.read_text().partition("[loggers]")[0])
    assert probe(project) is None


@pytest.mark.parametrize("template", ["generic", "pyproject", "multidb"])
def test_what_alembic_init_writes(tmp_path: Path, database: Database, template: str) -> None:
    app = App(tmp_path / "app")
    app.folder.mkdir()
    (app.folder / "pyproject.toml").touch()
    alembic(app, "init", "-t", template, "alembic")
    app.write_ini(
        app.config.read_text()
        .replace("driver://user:pass@localhost/dbname", doubled(database.url("psycopg2")))
        .replace("databases = engine1, engine2", "databases = engine1")
    )
    alembic(app, "revision", "-m", "first")
    alembic(app, "revision", "-m", "second")
    answered = template == "generic"
    check(app, pending=answered, at_head=answered)


def test_a_driver_without_libpq_is_left_to_alembic(
    make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(url=database.url("asyncpg"), env_py=ASYNC)
    app.chain("aaaa")
    assert probe(Project(str(app.config))) is None
