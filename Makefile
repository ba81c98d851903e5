# Every target does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV := .uv/bin/uv
# the environment belongs to this folder, whatever the caller has active
unexport VIRTUAL_ENV
export UV_PROJECT_ENVIRONMENT := .venv

# `make conformance … PATH=…` must not take the programs' search path away
ifeq ($(origin PATH),command line)
SOURCES := $(PATH)
override PATH := /usr/local/bin:/usr/bin:/bin
endif

.PHONY: help setup demo up down test test-slow check format bench conformance docs clean

help: ## what can be asked for
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.uv/ready: .ci/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "Questlog needs Python 3.11; $(or $(PYTHON),python3) is not it."; \
		echo "Install python3.11 with python3.11-venv, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@rm -rf .uv && $(PYTHON) -m venv .uv || { echo "Could not make an environment: install python3-venv."; exit 1; }
	@.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .ci/uv.txt
	@touch $@

.venv/ready: .uv/ready pyproject.toml uv.lock
	@echo "Installing the locked environment into .venv (about 1.5 GB the first time)"
	@$(UV) sync --locked --quiet --compile-bytecode --python $(abspath .uv/bin/python)
	@touch $@

# for tests alone: without npm, or its registry, the tests of that client are skipped
.node/ready: tests/integration/javascript/package.json tests/integration/javascript/package-lock.json
	@rm -rf .node && mkdir .node && cp $^ .node
	@if ! command -v npm >/dev/null; then echo "No npm here: the JavaScript client's tests will be skipped."; touch $@; \
	elif npm ci --prefix .node --ignore-scripts --no-audit --no-fund --loglevel error >.node/log 2>&1; then touch $@; \
	else echo "npm could not install the JavaScript client (see .node/log); its tests will be skipped."; fi

setup: .venv/ready .node/ready ## install the locked environment into .venv

demo: setup ## a simulated world from the door to an audience, through Airflow (EVENTS=file for your own)
	@$(BIN)/questlog demo $(if $(EVENTS),--events "$(EVENTS)")

up: setup ## start the local stack and print its addresses; Ctrl-C or `make down` ends it
	@$(BIN)/questlog up

down: setup ## stop the local stack
	@$(BIN)/questlog down

# trackers that tests point at the door; without npm those tests say so and are skipped
NPM := $(if $(shell command -v npm),tests/npm/node_modules/.package-lock.json)

tests/npm/node_modules/.package-lock.json: tests/npm/package-lock.json
	@npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund --silent --fetch-retries=0 || echo "npm reached no registry: tests of trackers from npm are skipped."
	@touch -c $@

test: setup $(NPM) ## the tests, in two lanes; ARGS="tests/unit -k money" runs a selection
	@.ci/debian
	@$(BIN)/$(if $(ARGS),pytest $(ARGS),python -m tests.lanes)

test-slow: setup ## the slow lane of the tests
	@.ci/debian
	@$(BIN)/pytest -m slow

check: setup ## static checks: style, types, imports, SQL, generated files, dbt
	@BIN=$(BIN) .ci/check

format: setup ## put code into the house style
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

bench: setup ## list the benchmarks, or run one: make bench NAME=x
	@$(if $(filter questions,$(NAME)),$(UV) sync --locked --quiet --group bench --python $(abspath .uv/bin/python))
	@$(BIN)/python -m bench $(NAME)

conformance: setup ## a client's own suite against a fresh endpoint: SUITE=name PATH=/its/checkout
	@$(BIN)/python -m tests.conformance "$(SUITE)" "$(SOURCES)" $(ARGS)

docs: setup ## the dbt docs site and the generated pages
	@$(BIN)/questlog docs

clean: ## remove the environment and caches; keeps .questlog, where your data is
	@rm -rf .venv .uv .node .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Data stays in .questlog; remove that folder yourself if you want it gone."
