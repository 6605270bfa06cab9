"""Backend service: the distribution's server on a Debian host without systemd.

The tests of this file share one host and run in the order in which they stand.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.postgres.conftest import APP_PASSWORD, OWNER_PASSWORD, Run, Server

CONFIGURATION = "/etc/postgresql/15/main"
SETTINGS = f"{CONFIGURATION}/conf.d/headway.conf"
OWNER, APP = "evaluation_app_owner", "evaluation_app_app"


@pytest.fixture(scope="module")
def looked_at(bare: Server) -> Run:
    return bare.role.run("--check", "--diff")


@pytest.fixture(scope="module")
def first(bare: Server, looked_at: Run) -> Run:
    done = bare.role.run()
    assert done.succeeded, done.output
    return done


@pytest.fixture(scope="module")
def server(bare: Server, first: Run) -> Server:
    bare.sql(f"set role {OWNER}; create table person (id serial primary key, name text)")
    return bare


def state(server: Server) -> str:
    """Whatever a refused run could have touched: files, processes, catalog."""
    files = server.shell(
        f"find {CONFIGURATION} /etc/headway -type f -exec sha256sum {{}} + 2>/dev/null | sort"
    )
    catalog = server.sql(
        "select string_agg(a::text, '' order by rolname) from pg_authid a union all"
        " select string_agg(d::text, '' order by datname) from pg_database d"
    )
    return files + catalog + server.sql("select pg_postmaster_start_time(), pg_conf_load_time()")


def test_check_mode_on_a_bare_host_succeeds_and_does_nothing(bare: Server, looked_at: Run) -> None:
    assert looked_at.succeeded, looked_at.output
    assert (
        bare.shell("ls /etc/postgresql /etc/postgresql-common 2>&1 || true").count("No such file")
        == 2
    )


def test_a_disk_without_room_for_a_cluster_is_refused_before_anything(
    bare: Server, looked_at: Run
) -> None:
    refused = bare.role.run(postgres_free_mb=10**9)
    assert "make room first" in refused.message, refused.output
    assert refused.changed == 0


def test_second_run_and_check_mode_change_nothing(server: Server) -> None:
    second, looked_at = server.role.run(), server.role.run("--check", "--diff")
    assert (second.succeeded, second.changed) == (True, 0), second.output
    assert (looked_at.succeeded, looked_at.changed) == (True, 0), looked_at.output


def test_every_password_is_scram_and_data_has_checksums(server: Server) -> None:
    stored = server.sql(
        "select rolname, left(rolpassword, 13) from pg_authid where rolpassword is not null"
    )
    assert stored.splitlines() == [f"{OWNER}|SCRAM-SHA-256", f"{APP}|SCRAM-SHA-256"]
    assert server.sql("show data_checksums; show password_encryption") == "on\nscram-sha-256"


def test_it_listens_on_loopback_alone(server: Server) -> None:
    listening = server.shell("awk '$4 == \"0A\" {print $2}' /proc/net/tcp /proc/net/tcp6")
    assert listening.split() == ["0100007F:1538"]


@pytest.mark.parametrize(("role", "password"), [(OWNER, OWNER_PASSWORD), (APP, APP_PASSWORD)])
def test_roles_log_in_with_their_password_alone(server: Server, role: str, password: str) -> None:
    assert server.login(role, password, "select current_user") == (0, role)
    assert server.login(role, password + "x", "select 1")[0] != 0


@pytest.mark.parametrize(
    "statement",
    [
        "insert into person (name) values ('Ada')",
        "update person set name = 'Grace'",
        "delete from person",
        "select nextval('person_id_seq')",
    ],
)
def test_the_app_has_the_rows_of_a_table_made_after_the_role_ran(
    server: Server, statement: str
) -> None:
    assert server.login(APP, APP_PASSWORD, statement)[0] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "create table another (id int)",
        "create schema another",
        "alter table person add column extra int",
        "drop table person",
        "truncate person",
    ],
)
def test_the_app_changes_nothing_but_rows(server: Server, statement: str) -> None:
    code, output = server.login(APP, APP_PASSWORD, statement)
    assert code != 0
    assert "permission denied" in output or "must be owner" in output


def test_the_app_has_the_rows_of_a_schema_made_later(server: Server) -> None:
    server.sql(f"set role {OWNER}; create schema later; create table later.thing (id int)")
    assert server.login(APP, APP_PASSWORD, "insert into later.thing values (1)")[0] == 0


def test_a_role_that_was_not_let_in_does_not_connect(server: Server) -> None:
    server.sql("create role stranger login password 'stranger'")
    assert "permission denied for database" in server.login("stranger", "stranger", "select 1")[1]
    server.sql("drop role stranger")


def test_settings_are_live_whether_they_need_a_restart_or_not(server: Server) -> None:
    started = server.sql("select pg_postmaster_start_time()")
    assert server.role.run(postgres_settings={"work_mem": "9MB"}).succeeded
    assert server.sql("show work_mem") == "9MB"
    assert server.sql("select pg_postmaster_start_time()") == started

    wanted = {"max_connections": 42, "log_line_prefix": "it's \\ %m"}
    moved = server.role.run(postgres_settings=wanted, postgres_port=5477)
    assert moved.succeeded, moved.output
    shown = server.shell(
        "psql -p 5477 -XAtU postgres -c 'show max_connections' -c 'show log_line_prefix'"
    )
    assert shown == "42\nit's \\ %m"

    assert server.role.run().succeeded
    assert server.sql("show work_mem") == "4MB"


def test_a_rotated_password_is_the_only_one_that_logs_in(server: Server) -> None:
    new = "another's \\"
    rotated = server.role.run(postgres_app_password=new)
    assert rotated.succeeded, rotated.output
    assert server.login(APP, new, "select 1")[0] == 0
    assert server.login(APP, APP_PASSWORD, "select 1")[0] != 0
    assert server.role.run().succeeded
    assert server.login(APP, APP_PASSWORD, "select 1")[0] == 0


TAMPERED_RIGHTS = f"""
    revoke select, delete on person from {APP};
    grant truncate on person to {APP};
    revoke usage on sequence person_id_seq from {APP};
    grant create on schema public to public;
    grant create on schema later to {APP};
    revoke usage on schema public from {APP};
    grant connect on database evaluation_app to public;
    grant create on database evaluation_app to {APP};
    revoke connect on database evaluation_app from {APP};
    alter schema public owner to postgres;
    alter default privileges for role {OWNER} revoke all on tables from {APP};
    alter default privileges for role {OWNER} revoke all on sequences from {APP};
    alter default privileges for role {OWNER} revoke all on schemas from {APP};
    grant {OWNER} to {APP};
    alter role {APP} superuser createdb;
    alter role {OWNER} nologin valid until 'yesterday';
    alter role {OWNER} password 'tampered';
"""
RIGHTS = """
    select rolname, rolsuper, rolcreatedb, rolcanlogin, rolvaliduntil > now() is not false
    from pg_roles where rolname like 'evaluation%' order by 1;
    select datdba::regrole, array(select unnest(datacl)::text order by 1)
    from pg_database where datname = 'evaluation_app';
    select nspname, nspowner::regrole, array(select unnest(nspacl)::text order by 1)
    from pg_namespace where nspname in ('public', 'later') order by 1;
    select relname, array(select unnest(relacl)::text order by 1)
    from pg_class where relname like 'person%' and relkind in ('r', 'S') order by 1;
    select defaclobjtype, array(select unnest(defaclacl)::text order by 1) from pg_default_acl order by 1;
    select count(*) from pg_auth_members where roleid::regrole::text like 'evaluation%';
"""


def test_rights_that_were_changed_by_hand_are_mended(server: Server) -> None:
    as_wanted = server.sql(RIGHTS)
    server.sql(TAMPERED_RIGHTS)
    assert server.sql(RIGHTS) != as_wanted
    assert server.role.run("--check").changed > 0
    assert server.sql(RIGHTS) != as_wanted

    mended = server.role.run()
    assert mended.succeeded, mended.output
    assert server.sql(RIGHTS) == as_wanted
    assert server.login(OWNER, OWNER_PASSWORD, "select 1")[0] == 0
    assert server.role.run().changed == 0


def test_a_dropped_role_is_made_again(server: Server) -> None:
    as_wanted = server.sql(RIGHTS)
    server.sql(f"drop owned by {APP}; drop role {APP}")
    assert server.role.run().succeeded
    assert server.sql(RIGHTS) == as_wanted
    assert server.login(APP, APP_PASSWORD, "select count(*) from person")[0] == 0


def test_what_was_changed_by_hand_on_the_host_is_mended(server: Server) -> None:
    server.shell(f"echo 'host all all 0.0.0.0/0 trust' >> {CONFIGURATION}/pg_hba.conf")
    server.shell(f"echo 'listen_addresses = 0.0.0.0' >> {SETTINGS}; chmod 0666 {SETTINGS}")
    server.shell(f"sed -i /^include_dir/d {CONFIGURATION}/postgresql.conf")
    server.sql("alter system set password_encryption = md5")
    server.shell("dpkg --remove --force-depends python3-psycopg2; pg_ctlcluster 15 main restart")

    mended = server.role.run()
    assert mended.succeeded, mended.output
    assert server.sql("select count(*) from pg_hba_file_rules where auth_method = 'trust'") == "0"
    assert (
        server.sql("show listen_addresses; show password_encryption") == "127.0.0.1\nscram-sha-256"
    )
    assert server.shell(f"stat -c %a {SETTINGS}; dpkg -s python3-psycopg2 | grep Status").split() == [
        "644", "Status:", "install", "ok", "installed",
    ]  # fmt: skip
    assert server.role.run().changed == 0


def test_a_stopped_server_is_started(server: Server) -> None:
    server.shell("pg_ctlcluster 15 main stop")
    assert server.role.run().succeeded
    assert server.role.run().changed == 0


REFUSED = {
    "unknown backend": ({"postgres_backend": "cloud"}, "must be one of: auto, service"),
    "unusable name": ({"postgres_app": 'a"b'}, "postgres_app is 'a\"b'"),
    "password with a newline": ({"postgres_app_password": "a\nb"}, "has a line break in it"),
    "empty password": ({"postgres_app_password": ""}, "postgres_app_password is empty"),
    "unusable port": ({"postgres_port": 99999}, "a port is a number from 1 to 65535"),
    "unusable network": ({"postgres_allowed_networks": ["10.0.0.1"]}, "with its prefix length"),
    "setting with a variable of its own": ({"postgres_settings": {"port": 1}}, "postgres_port"),
    "unusable value": ({"postgres_settings": {"work_mem": "much"}}, 'parameter "work_mem"'),
    "unknown setting": ({"postgres_settings": {"wrk_mem": "1MB"}}, 'parameter "wrk_mem"'),
    "version too old": ({"postgres_version": 12}, "13 or later"),
    "database of another": (
        {"postgres_owner": "somebody"},
        f"is owned by {OWNER}, not by somebody",
    ),
    "no container engine": (
        {"postgres_backend": "container"},
        "postgres_superuser_password is not set",
    ),
}


@pytest.mark.parametrize(("variables", "sentence"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_a_sentence_and_touches_nothing(
    server: Server, variables: dict[str, object], sentence: str
) -> None:
    before = state(server)
    refused = server.role.run(**variables)
    assert sentence in refused.message, refused.output
    assert "Traceback" not in refused.output
    assert state(server) == before


def test_a_missing_secret_is_named(server: Server) -> None:
    refused = replace(server.role, without=("postgres_app_password",)).run()
    assert "postgres_app_password is not set" in refused.message


def test_a_port_in_use_names_who_uses_it(server: Server) -> None:
    server.shell("nohup python3 -m http.server 5488 >/dev/null 2>&1 & sleep 1")
    before = state(server)
    refused = server.role.run(postgres_port=5488)
    assert "Port 5488 is in use by python3 -m http.server 5488" in refused.message
    assert state(server) == before


def test_a_setting_that_another_file_overrules_is_named(server: Server) -> None:
    server.shell(f"echo 'password_encryption = md5' >> {CONFIGURATION}/postgresql.conf")
    assert f"is set again in {CONFIGURATION}/postgresql.conf" in server.role.run().message
    server.shell(f"sed -i '$d' {CONFIGURATION}/postgresql.conf")
    assert server.role.run().succeeded


def test_a_server_with_other_databases_is_left_alone_unless_adopted(server: Server) -> None:
    server.sql("create database payroll")
    server.shell(f"rm {SETTINGS}; pg_ctlcluster 15 main reload; sleep 1")
    before = state(server)
    refused = server.role.run()
    assert "databases that Headway did not make (payroll)" in refused.message
    assert state(server) == before
    adopted = server.role.run(postgres_adopt=True)
    assert adopted.succeeded, adopted.output
    assert server.role.run().changed == 0


def test_an_empty_cluster_without_checksums_gets_them(server: Server) -> None:
    server.shell("pg_dropcluster --stop 15 main && pg_createcluster 15 main")
    adopted = server.role.run()
    assert adopted.succeeded, adopted.output
    assert server.sql("show data_checksums") == "on"


def test_the_superuser_as_owner_and_app_is_left_as_it_is(server: Server) -> None:
    server.sql("drop database evaluation_app", "postgres")
    name = "postgres"  # a password that is part of many a name
    local = {
        "postgres_owner": name,
        "postgres_app": name,
        "postgres_owner_password": name,
        "postgres_app_password": name,
    }
    assert server.role.run(**local).succeeded
    assert server.login(name, name, "create table t (id int)")[0] == 0
    assert (
        server.sql(
            "select rolsuper and rolcreatedb and rolreplication from pg_roles where oid = 10"
        )
        == "t"
    )
    assert server.role.run(**local).changed == 0
