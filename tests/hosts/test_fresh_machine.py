"""The README's commands on a fresh machine, as a new user types them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from docker.models.containers import Container
from testinfra.host import Host

from tests.images.host import run

APP = "/opt/evaluation_app"
ETC = "/etc/evaluation_app"


@dataclass(frozen=True)
class Deploy:
    output: str

    @property
    def changed(self) -> int:
        recap = re.findall(r"^localhost\s+: ok=\d+\s+changed=(\d+)", self.output, re.MULTILINE)
        assert len(recap) == 1, self.output
        return int(recap[0])


def deploy(machine: Container, command: str = "make deploy") -> Deploy:
    done = run(machine, f"cd /root/headway && {command}")
    assert done.returncode == 0, done.stdout
    return Deploy(done.stdout)


@pytest.fixture(scope="module")
def first(machine: Container) -> Deploy:
    return deploy(machine)


@pytest.fixture(scope="module")
def second(machine: Container, first: Deploy) -> Deploy:
    return deploy(machine)


def sql(machine: Container, statement: str) -> str:
    done = run(machine, f'psql -U postgres -d evaluation_app -Atc "{statement}"')
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def test_the_first_deploy_says_where_the_app_answers(first: Deploy) -> None:
    assert "http://127.0.0.1:8000" in first.output
    assert "c6cc06acee49" in first.output


def test_the_second_deploy_changes_nothing(second: Deploy) -> None:
    assert second.changed == 0, second.output


def test_the_playbook_alone_does_the_same(machine: Container, second: Deploy) -> None:
    assert deploy(machine, ". .venv/bin/activate && ansible-playbook deploy.yml").changed == 0


def test_the_app_answers_and_its_database_fits(host: Host, second: Deploy) -> None:
    health = json.loads(
        host.check_output(
            "python3 -c \"import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/healthz').read().decode())\""
        )
    )
    assert health["database"] == health["code"] == ["c6cc06acee49"]


def test_every_password_is_scram(machine: Container, second: Deploy) -> None:
    kept = sql(
        machine,
        "select rolname, left(rolpassword, 14) from pg_authid where rolpassword is not null",
    )
    assert sorted(kept.splitlines()) == [
        "evaluation_app_app|SCRAM-SHA-256$",
        "evaluation_app_owner|SCRAM-SHA-256$",
    ]


def test_the_data_has_checksums(machine: Container, second: Deploy) -> None:
    assert sql(machine, "show data_checksums") == "on"


def test_the_app_role_has_rows_only(host: Host, second: Deploy) -> None:
    psql = f"psql 'host=127.0.0.1 dbname=evaluation_app user=evaluation_app_app passfile={ETC}/app.pgpass' -Atc"
    assert host.run(
        f"{psql} \"insert into person(name) values ('Ada') returning name\""
    ).stdout.startswith("Ada")
    assert "permission denied for schema public" in host.run(f"{psql} 'create table x()'").stderr
    assert "must be owner of table person" in host.run(f"{psql} 'drop table person'").stderr


@pytest.mark.parametrize(
    ("path", "mode", "user", "group"),
    [
        (ETC, 0o750, "root", "evaluation_app"),
        (f"{ETC}/owner.pgpass", 0o600, "evaluation_app", "evaluation_app"),
        (f"{ETC}/app.pgpass", 0o600, "evaluation_app", "evaluation_app"),
        (f"{ETC}/app.env", 0o640, "root", "evaluation_app"),
        (f"{ETC}/migrate.env", 0o640, "root", "evaluation_app"),
        (f"{APP}/current/app/alembic.ini", 0o640, "root", "evaluation_app"),
        (f"{APP}/current/app/service.py", 0o644, "root", "root"),
    ],
)
def test_files_have_their_modes(
    host: Host, second: Deploy, path: str, mode: int, user: str, group: str
) -> None:
    file = host.file(path)
    assert (oct(file.mode), file.user, file.group) == (oct(mode), user, group)


def test_no_password_is_in_alembic_ini_or_on_a_command_line(
    machine: Container, host: Host, second: Deploy
) -> None:
    passwords = run(machine, "cat /root/headway/.secrets/local/*").stdout.split()
    assert len(passwords) >= 2
    shown = host.check_output(
        f"cat {APP}/current/app/alembic.ini {ETC}/app.env {ETC}/migrate.env; cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    )
    assert not [word for word in passwords if word in shown or word in second.output]


def test_plain_alembic_tells_the_truth(host: Host, second: Deploy) -> None:
    current = "cd /opt/evaluation_app/current/app && ../venv/bin/alembic current"
    assert "c6cc06acee49 (head)" in host.check_output(current)
    assert "c6cc06acee49 (head)" in host.check_output(
        f"runuser -u evaluation_app -- sh -c '{current}'"
    )


def test_psycopg2_is_compiled_on_the_host(host: Host, second: Deploy) -> None:
    loaded = host.check_output(
        f"{APP}/current/venv/bin/python -c "
        "\"import psycopg2._psycopg as p; print(open('/proc/self/maps').read()); print(p.__file__)\""
    )
    assert (
        "/usr/lib/x86_64-linux-gnu/libpq.so" in loaded
        or "/usr/lib/aarch64-linux-gnu/libpq.so" in loaded
    )
    assert "psycopg2_binary.libs" not in loaded


REVISION = '''"""add email"""
import sqlalchemy as sa
from alembic import op
revision = "a1b2c3d4e5f6"
down_revision = "c6cc06acee49"
def upgrade():
    op.add_column("person", sa.Column("email", sa.String(200)))
def downgrade():
    op.drop_column("person", "email")
'''


def test_a_new_revision_is_applied_and_few_tasks_change(
    machine: Container, host: Host, second: Deploy
) -> None:
    run(
        machine,
        f"cat > /root/headway/app/alembic/versions/a1b2c3d4e5f6_add_email.py <<'PY'\n{REVISION}PY\n",
    )
    sql(machine, "insert into person(name) values ('Grace')")
    before = host.check_output(f"readlink {APP}/current")
    checked = deploy(machine, "make deploy ARGS='--check --diff'")
    assert "ADD COLUMN email" in checked.output
    assert sql(machine, "select version_num from alembic_version") == "c6cc06acee49"
    assert host.check_output(f"readlink {APP}/current") == before

    third = deploy(machine)
    assert "Upgrade the database" in third.output.split("PLAY RECAP")[1]
    assert 0 < third.changed <= 15
    assert sql(machine, "select version_num from alembic_version") == "a1b2c3d4e5f6"
    assert sql(machine, "select count(*) from person where name = 'Grace' and email is null") == "1"
    assert deploy(machine).changed == 0


BACKUPS = "/var/backups/headway/evaluation_app"


def test_the_backup_before_that_revision_is_there_and_no_other(host: Host) -> None:
    (backup,) = host.file(BACKUPS).listdir()
    assert host.run(f"cd {BACKUPS}/{backup} && sha256sum --quiet --check SHA256SUMS").rc == 0
    assert "TABLE DATA public person" in host.check_output(
        f"pg_restore --list {BACKUPS}/{backup}/dump"
    )


def test_what_was_deleted_comes_back(machine: Container) -> None:
    deploy(machine, "make backup")
    sql(machine, "delete from person")
    restored = deploy(machine, "make restore ARGS='-e restore_confirm=true'")
    kept = re.search(r"evaluation_app_before_restore_\w+", restored.output)
    assert kept, restored.output
    assert sql(machine, "select count(*) from person where name = 'Grace'") == "1"
    sql(machine, f"drop database {kept[0]}")
    assert deploy(machine).changed == 0


PSQL = "psql -U postgres -d evaluation_app -Atc"
PIDFILE = "/run/evaluation_app/supervisord.pid"
ACCESS = "/etc/postgresql/15/main/pg_hba.conf"
SETTINGS = "/etc/postgresql/15/main/conf.d/headway.conf"


@dataclass(frozen=True)
class Damage:
    """What a person did by hand, and a command that succeeds only where it is not so."""

    done: str
    whole: str


IN_PLACE = {
    "a file of the release": Damage(
        f"echo '# by hand' >>{APP}/current/app/service.py",
        f"! grep 'by hand' {APP}/current/app/service.py",
    ),
    "a mode": Damage(
        f"chmod 0644 {ETC}/app.pgpass", f"[ $(stat --format %a {ETC}/app.pgpass) = 600 ]"
    ),
    "the mode of a folder": Damage(
        f"chmod 0700 {APP}/venvs", f"[ $(stat --format %a {APP}/venvs) = 755 ]"
    ),
    "the app's environment": Damage(
        f"echo BY_HAND=1 >>{ETC}/app.env", f"! grep BY_HAND {ETC}/app.env"
    ),
    "how the app is run": Damage(
        f"sed -i 's/^autorestart.*/autorestart = false/; $a # by hand' {ETC}/supervisord.conf",
        f"! grep 'by hand' {ETC}/supervisord.conf",
    ),
    "who may log in": Damage(
        f"echo 'host all all 192.0.2.1/32 trust' >>{ACCESS}",
        f"{PSQL} \"select 'none' where not exists (select from pg_hba_file_rules"
        " where auth_method = 'trust')\" | grep none",
    ),
    "a right too many": Damage(
        f"{PSQL} 'grant truncate on person to evaluation_app_app'",
        f"{PSQL} \"select has_table_privilege('evaluation_app_app', 'person', 'truncate')\" | grep f",
    ),
    "alembic.ini": Damage(
        f"sed -i s/evaluation_app_owner@/postgres@/ {APP}/current/app/alembic.ini",
        f"grep evaluation_app_owner@ {APP}/current/app/alembic.ini",
    ),
    "a module in the venv": Damage(
        f"rm -r {APP}/current/venv/lib/python3*/site-packages/fastapi",
        f"{APP}/current/venv/bin/python -c 'import fastapi'",
    ),
    "a package of the platform": Damage(
        "dpkg --remove --force-depends libssl-dev", "dpkg-query --status libssl-dev"
    ),
    "a grant": Damage(
        f"{PSQL} 'revoke select on person from evaluation_app_app'",
        f"{PSQL} \"select has_table_privilege('evaluation_app_app', 'person', 'select')\" | grep t",
    ),
    "a default privilege": Damage(
        f"{PSQL} 'alter default privileges for role evaluation_app_owner"
        " revoke select on tables from evaluation_app_app'",
        f"{PSQL} 'select defaclacl from pg_default_acl' | grep evaluation_app_app=arwd",
    ),
    "a password": Damage(
        f"{PSQL} \"alter role evaluation_app_app password 'other'\"",
        f"PGPASSFILE={ETC}/app.pgpass psql -h 127.0.0.1 -U evaluation_app_app -d evaluation_app -c 'select 1'",
    ),
    "a setting": Damage(
        f"sed -i s/scram-sha-256/md5/ {SETTINGS} && {PSQL} 'select pg_reload_conf()' && sleep 1",
        f"{PSQL} 'show password_encryption' | grep scram-sha-256",
    ),
}
GONE = {
    "a role": Damage(
        f"{PSQL} 'drop owned by evaluation_app_app' && {PSQL} 'drop role evaluation_app_app'",
        f"PGPASSFILE={ETC}/app.pgpass psql -h 127.0.0.1 -U evaluation_app_app -d evaluation_app -c 'table person'",
    ),
    "the app stopped": Damage(
        f"kill $(cat {PIDFILE}); while [ -e {PIDFILE} ]; do sleep 0.1; done",
        "python3 -c \"import urllib.request as r; r.urlopen('http://127.0.0.1:8000/persons')\"",
    ),
    "the server stopped": Damage(
        "pg_ctlcluster 15 main stop", "runuser --user postgres -- psql -c 'select 1'"
    ),
}


@pytest.mark.parametrize("damages", [IN_PLACE, GONE], ids=["in place", "gone"])
def test_what_was_changed_by_hand_is_found_and_mended(
    machine: Container, second: Deploy, damages: dict[str, Damage]
) -> None:
    def broken() -> list[str]:
        return [name for name, damage in damages.items() if run(machine, damage.whole).returncode]

    assert broken() == []
    for damage in damages.values():
        done = run(machine, damage.done)
        assert done.returncode == 0, done.stdout
    assert broken() == list(damages)
    assert deploy(machine).changed > 0
    assert broken() == []
    assert deploy(machine).changed == 0


def test_a_run_that_failed_half_way_is_made_good_by_the_next(
    machine: Container, second: Deploy
) -> None:
    """The environment is written before the start script, which cannot be: a folder is in its place."""
    start, environment = f"{APP}/bin/start", f"{ETC}/app.env"
    command = """make deploy ARGS="-e '{app_environment: {GREETING: hello}}'" """
    has_it = (
        "process=$(cut -d' ' -f1 /var/lib/evaluation_app/running) && runuser -u evaluation_app --"
        " grep --null-data --quiet --line-regexp GREETING=hello /proc/$process/environ"
    )
    run(machine, f"rm {start} && mkdir -p {start}/in_the_way && chmod 0755 {start}")

    failed = run(machine, f"cd /root/headway && {command} ARGS+=' -e app_health_wait=3'")

    assert failed.returncode != 0
    said = " ".join(failed.stdout.split())
    assert f"{start} cannot be had as it is to be: Is a directory. Changed: {environment}." in said
    assert run(machine, f"grep GREETING {environment}").returncode != 0, "it is put back"
    assert run(machine, f"ls {ETC} | grep '~$'").stdout == ""

    run(machine, f"rm -r {start}")
    deploy(machine, command)
    assert run(machine, has_it).returncode == 0
    assert deploy(machine, command).changed == 0


def test_the_snapshot_is_made_with_what_the_deploy_left(machine: Container, second: Deploy) -> None:
    file = "/root/headway/app/alembic/snapshot.sql"
    run(machine, f"rm {file}")
    deploy(machine, "make snapshot")
    assert "head" in run(machine, f"head -n 8 {file}").stdout
    assert run(machine, "cd /root/headway && make snapshot ARGS=--check").returncode == 0
