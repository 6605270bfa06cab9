SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
playbook = ansible-playbook $(1) $(ARGS)

help: ## what there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

setup: .venv/.locked ## the controller's packages, from the lock

.venv/.locked: requirements.lock pyproject.toml
	@scripts/setup "$(PYTHON)"

deploy: setup ## a host to a running app on a database at head
	$(call playbook,deploy.yml)

migrate: setup ## the database to head, the app left as it is
	$(call playbook,playbooks/migrate.yml)

plan: setup ## what a deploy would do to the database, with its SQL, its locks and its dangers
	$(call playbook,playbooks/plan.yml)

adopt: setup ## a database that has the schema and no version: which revision it is; ARGS="-e adopt_revision=…" stamps it
	$(call playbook,playbooks/adopt.yml)

status: setup ## where things stand
	$(call playbook,playbooks/status.yml)

backup: setup ## the database, dumped and verified
	$(call playbook,playbooks/backup.yml)

restore: setup ## BACKUP=…: that backup, or the newest, in the live database's place; asks first
	$(call playbook,playbooks/restore.yml $(if $(BACKUP),--extra-vars restore_backup=$(BACKUP)))

rollback: setup ## one release back, or RELEASE=…; the database too where it must
	$(call playbook,playbooks/rollback.yml $(if $(RELEASE),--extra-vars rollback_release=$(RELEASE)))

revision: setup ## m="add email": autogenerate a revision on the development database
	@scripts/revision "$(m)"

snapshot: setup ## what the revisions make of an empty database, as app/alembic/snapshot.sql; ARGS=--check only tells
	@scripts/snapshot $(ARGS)

psql: setup ## psql on the deployed database
	@scripts/psql $(ARGS)

lock: setup ## requirements.lock and the bench's requirements anew from pyproject.toml
	scripts/lock

images: setup ## the images of the test hosts, each made once
	python -m tests.images.build

test: setup ## everything: lint, unit, integration, hosts
	tests/run

test-quick: setup ## lint and unit tests, no server and no container
	tests/run quick

lint: setup ## what CI lints
	scripts/lint

bench: setup ## this project beside a naive playbook, alembic, psql and other tools; takes hours
	bench/run

clean: ## the controller's caches and packages; never a deployed host, never secrets
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .ansible build reports *.egg-info

.PHONY: help setup deploy migrate plan adopt status rollback backup restore revision snapshot psql lock images test test-quick lint bench clean
