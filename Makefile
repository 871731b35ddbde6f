# Tidemark's commands. `make run` starts it, `make test` tests it; `make help` lists the rest.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
DEMO ?= 1
DB ?= sqlite

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input install --no-deps --no-compile --require-hashes
# What checks without a running product need: settings that load, and a database that is never written.
CHECKING := TIDEMARK_TESTING=1 SECRET_KEY=checking DATABASE_URL=sqlite:///:memory: DEBUG=0

.PHONY: run dev plant test load lint types migrations audit licences sbom requirements bench bench-gather bench-recording bench-api bench-pages bench-images bench-items bench-perf bench-kept bench-phases bench-plans bench-drain bench-migrations bench-partitions sizing chaos chaos-gather chaos-hangs chaos-kills chaos-read chaos-suite assets fmt lock install install-dev clean fuzz fuzz-api fuzz-uploads fuzz-truth screenshots help

run: install ## Start Tidemark: PORT=8000, DEMO=1 (0: your own accounts), DB=sqlite (or postgres)
	@PORT=$(PORT) DEMO=$(DEMO) DB=$(DB) DEBUG=0 exec $(BIN)/python manage.py up

dev: install ## The same for development: DEBUG=1, debug toolbar and silk, reloads on change, data in var/dev
	@PORT=$(PORT) DEMO=$(DEMO) DB=$(DB) DEBUG=1 DATA_DIR=$${DATA_DIR:-var/dev} exec $(BIN)/python manage.py up

plant: install ## Let `make dev` find something: one request with a slow query and a query per row; says where Silk shows it
	@PORT=$(PORT) DEBUG=1 DATA_DIR=$${DATA_DIR:-var/dev} $(BIN)/python manage.py plant

test: install-dev ## Run every test: PostgreSQL, SQLite, browser, timed, killing
	@$(BIN)/python -m tests

lint: install-dev ## Check style, imports and templates
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(CHECKING) $(BIN)/lint-imports --no-cache > var/lint-imports.log 2>&1 || { cat var/lint-imports.log; exit 1; }
	@$(BIN)/djlint --quiet --lint .

types: install-dev ## Check types
	@$(CHECKING) $(BIN)/mypy --no-error-summary

migrations: install-dev ## Check that every model change has its migration, none locks a table in use, and all go back and forth
	@$(CHECKING) $(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0
	@$(BIN)/python -m tests.migrations
	@$(BIN)/python -m pytest -q -m drill tests/project/test_round_trip.py
	@TEST_DATABASE_URL=sqlite:///:memory: $(BIN)/python -m pytest -q -m drill tests/project/test_round_trip.py

audit: install-dev ## Ask for known vulnerabilities of everything locked; says loudly what could not be asked
	@$(BIN)/python -m tests.supply audit

licences: install-dev ## Write docs/licences.md from what the required packages say of themselves
	@$(BIN)/python -m tests.supply licences

sbom: install-dev ## Write var/sbom.json: what production installs and the browser loads, as CycloneDX
	@$(BIN)/python -m tests.supply sbom

requirements: install-dev ## List the requirement lines that no test shows yet
	@$(BIN)/python -m tests.requirements_table

fmt: install-dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: install-dev ## Pin the newest allowed versions with their hashes
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-bench.in -o requirements-bench.txt

install: $(VENV)/installed ## Make .venv and install what the product needs

install-dev: $(VENV)/installed-dev ## The same with what tests and checks need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Tidemark needs Python 3.11 or newer: set PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(BIN)/python
	@echo "Installing the requirements into $(VENV) …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(BIN)/python
	@echo "Installing the development requirements into $(VENV) …"
	@$(PIP) -r requirements-dev.txt
	@mkdir -p var
	@touch $(VENV)/installed $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed
	@echo "Installing what is measured beside ours into $(VENV) …"
	@$(PIP) -r requirements-bench.txt
	@touch $@

bench: install ## Time every app's cases on the data in DATA_DIR, ours beside the naive way; tables into var/bench
	@$(BIN)/python manage.py benchmark

fuzz-truth: install-dev ## Read BODIES=10000 labelled bodies per connector: no wrong figure, no false zero
	@$(CHECKING) $(BIN)/python -m tests.scraping.truth --bodies $(or $(BODIES),10000)

fuzz: install-dev ## Try every property on EXAMPLES=20 times as many examples as the suite does
	@EXAMPLES=$(or $(EXAMPLES),20) $(BIN)/python -m pytest -q --timeout=3600 $$($(BIN)/python -c 'from tests.examples import PROPERTIES; print(*PROPERTIES)')

fuzz-uploads: install-dev ## Send FILES=100000 broken files through the real endpoint: no failure, no orphan
	@FILES=$(or $(FILES),100000) $(BIN)/python -m pytest -q tests/workitems/test_uploads_fuzz.py

fuzz-api: install-dev ## Ask the API at random, EXAMPLES=20 times as often as the suite does: every answer as OpenAPI describes it
	@EXAMPLES=$(or $(EXAMPLES),20) $(BIN)/python -m pytest -q --timeout=7200 tests/project/test_openapi.py

bench-gather: $(VENV)/installed-bench ## Gathering beside Scrapy, aiohttp and five threads: N=20000 accounts
	@$(BIN)/python -m benchmarks gather $(if $(N),--accounts $(N))

bench-recording: install ## Recording a day beside bulk_create: N=100000 accounts
	@$(BIN)/python -m benchmarks recording $(if $(N),--accounts $(N))

bench-api: install ## Reads beside hello-world, usual Django, raw SQL and the naive way: N=3000 accounts DAYS=365 SECONDS=1.5; GROWTH=1: 1,000 accounts beside GROWTH_ACCOUNTS=100000
	@$(BIN)/python -m benchmarks $(if $(GROWTH),growth $(if $(GROWTH_ACCOUNTS),--accounts $(GROWTH_ACCOUNTS)),api $(if $(N),--accounts $(N))) $(if $(DAYS),--days $(DAYS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-pages: $(VENV)/installed-bench ## The dashboard in Chromium beside Chart.js and DataTables: N=100000 accounts DAYS=30, or those of a DATABASE=postgres://…
	@$(BIN)/python -m benchmarks pages $(if $(DATABASE),--database $(DATABASE)) $(if $(N),--accounts $(N)) $(if $(DAYS),--days $(DAYS))

bench-images: $(VENV)/installed-bench ## Renditions of photos beside the predecessor's way and libvips: ROUNDS=7
	@$(BIN)/python -m benchmarks images $(if $(ROUNDS),--rounds $(ROUNDS))

bench-plans: install ## Twelve questions explained by PostgreSQL, naive and ours: N=2000 accounts DAYS=60 ITEMS=5000
	@$(BIN)/python -m benchmarks plans $(if $(N),--accounts $(N)) $(if $(DAYS),--days $(DAYS)) $(if $(ITEMS),--items $(ITEMS))

bench-phases: install ## What each phase of making work items fast brought, before and after: N=20000 items
	@$(BIN)/python -m benchmarks phases $(if $(N),--items $(N))

bench-perf: $(VENV)/installed-bench ## What monitoring costs beside silk and django-orbit: ROUNDS=120 N=1000 accounts; what it keeps, as bench-kept
	@$(BIN)/python -m benchmarks overhead $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(N),--accounts $(N))

bench-kept: install ## What monitoring keeps of MINUTES=1440, of a week and of a year
	@$(BIN)/python -m benchmarks kept_series

bench-drain: install ## A rate-limited, prioritised backlog of six platforms: SECONDS=120 at the ideal
	@$(BIN)/python -m benchmarks drain $(if $(SECONDS),--seconds $(SECONDS))

bench-migrations: install ## Migrating filled tables beside writers, and how long each migration holds a write up: ROWS=5000000 figures
	@$(BIN)/python -m benchmarks migrations $(if $(ROWS),--rows $(ROWS))

bench-partitions: install ## Figures by month beside the plain table: hot statements, recording, dropping a month: ROWS=5000000 figures of a year
	@$(BIN)/python -m benchmarks partitions $(if $(ROWS),--rows $(ROWS))

sizing: install ## What a Tidemark of a size needs of disk, time and calls, up to a million accounts: N=100000 measured, DAYS=30
	@$(BIN)/python -m benchmarks sizing $(if $(N),--accounts $(N)) $(if $(DAYS),--days $(DAYS))

bench-items: install ## Work items beside the predecessor's way: N=100000 items and three times as many photos (goals: N=1000000)
	@$(BIN)/python -m benchmarks items $(if $(N),--items $(N))

chaos: ## Everything that kills and hangs; reports into var/chaos: JOBS=5000 KILLS=25 ROUNDS=2 SECONDS=30
	@$(MAKE) --keep-going --no-print-directory chaos-hangs chaos-kills chaos-read chaos-gather chaos-suite SECONDS=$(or $(SECONDS),30) \
		ARGS="$(or $(ARGS),--jobs $(or $(JOBS),5000) --kills $(or $(KILLS),25) --redis-kills 3 --wipes 1 --hangs 2 --postgres-kills 1 --storms 1)"

chaos-suite: install-dev ## The short forms that the test suite has, and the drills that it has not: a host cut off, beats
	@$(BIN)/python -m pytest -q -m "chaos or drill" tests

chaos-hangs: install-dev ## Every page and act of the whole product while Redis hangs, and while PostgreSQL does
	@$(BIN)/python -m tests.chaos hangs

chaos-kills: install-dev ## kill -9 of web server, worker, beat, Valkey and PostgreSQL under load, ROUNDS=2 of each
	@$(BIN)/python -m tests.chaos kills $(if $(ROUNDS),--rounds $(ROUNDS))

chaos-gather: install-dev ## A scrape of 100,000 accounts while everything is killed, and what was lost: ARGS="--jobs 5000 --kills 25"
	@$(BIN)/python -m tests.chaos $(ARGS)

chaos-read: install-dev ## Read for SECONDS=60 while a writer writes and is killed, and what was not as new as it should be
	@$(BIN)/python -m tests.chaos reading $(if $(SECONDS),--seconds $(SECONDS))

load: install ## A day of people over HTTP against the whole product: SECONDS=120 USERS=40 DB=sqlite (or postgres), N= and ITEMS= made-up accounts and items beside the demo's
	@$(BIN)/python -m benchmarks day --database $(DB) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(USERS),--users $(USERS)) $(if $(N),--accounts $(N)) $(if $(ITEMS),--items $(ITEMS))

assets: install ## Minify, hash and compress what production serves, into DATA_DIR/static; `make run` does so by itself
	@DEBUG=0 $(BIN)/python manage.py assets

screenshots: install-dev ## Take the README's pictures from a running demo: URL=http://127.0.0.1:8000 NAME=admin
	@$(BIN)/python -m tests.browser.screenshots $(or $(URL),http://127.0.0.1:$(PORT)) $(or $(NAME),admin)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
