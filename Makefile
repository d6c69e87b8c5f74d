# The commands of the project. Everything it needs goes into .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
# Byte code is compiled at set-up: a run imports some 5,000 modules, and a machine may not keep it.
UV := UV_PROJECT_ENVIRONMENT=$(VENV) UV_COMPILE_BYTECODE=1 $(VENV)/bin/uv
DBT_FILES := $(shell find dbt_project -type f -not -path 'dbt_project/target/*')
AGENDAS ?= 20000
DEMO ?= var/demo
# Each core takes the tests of one file, or of one costly state, at a time.
PYTEST := $(VENV)/bin/pytest -q -n auto --dist loadscope --no-loadscope-reorder

.PHONY: run test test-fast proofs check format screenshots setup serve dagster stop clean fresh

run: setup ## Set up, make a demo delivery (once), run the main job on it
	@test -e $(DEMO)/manifest.json || $(VENV)/bin/atendimento demo $(DEMO) --agendas $(AGENDAS)
	$(VENV)/bin/atendimento run --source $(DEMO)

test: setup ## Set up, run every test; of what is long a sample
	$(PYTEST) -m "not proof"

test-fast: setup ## While writing: the rules, units, golden pages and conventions
	$(PYTEST) -m "not proof" tests/unit tests/rules tests/golden tests/conventions

proofs: setup ## What is long: kills in every place, many runs, laws with many examples
	$(PYTEST) -m "proof or hypothesis" --hypothesis-profile proofs

check: setup ## Format, lint, types, SQL style, definitions, tests
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/sqlfluff lint dbt_project/models dbt_project/tests
	$(PYTEST) -m "not proof"

format: setup
	$(VENV)/bin/ruff format
	$(VENV)/bin/ruff check --fix

screenshots: setup ## Pictures of the main pages of a demo, into docs/; needs Chromium
	$(VENV)/bin/python -m tests.browser.screenshots docs

serve: setup ## The lookup page on http://127.0.0.1:8000 over what the last run published
	$(VENV)/bin/atendimento serve

dagster: setup ## The Dagster UI with schedules and sensors
	$(VENV)/bin/atendimento dagster

stop: ## Stop the embedded PostgreSQL
	$(VENV)/bin/atendimento stop

setup: $(VENV)/.installed dbt_project/target/.parsed

# Parsed here, since services may not write to the project's folder.
dbt_project/target/.parsed: $(VENV)/.installed $(DBT_FILES)
	@$(VENV)/bin/atendimento prepare
	@touch $@

# Once installed nothing here needs the network, until the lock or a tool changes. .installed is
# written last, and is .updating during an update. Without either, an installation was killed and is
# made again; with .updating, an update was killed: any package may be there in part.
$(VENV)/.installed: pyproject.toml uv.lock
	@test -e $@ || { test -e $(VENV)/.updating && $(VENV)/bin/uv --version >/dev/null 2>&1; } || rm -rf $(VENV)
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@test -x $(VENV)/bin/uv || $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@anew=; test ! -e $(VENV)/.updating || anew=--reinstall; \
		test ! -e $@ || mv $@ $(VENV)/.updating; \
		$(UV) sync --locked --quiet $$anew
	@rm -f $(VENV)/.updating; touch $@

fresh: $(VENV)/.installed ## Delete the demo and everything that was loaded and published
	ATENDIMENTO_HOME=$(CURDIR)/var $(VENV)/bin/atendimento stop --delete-data --yes
	rm -rf var

clean: ## Delete what was installed and made by tools; data in var/ stay
	-@test ! -e $(VENV)/.installed || $(VENV)/bin/atendimento stop
	rm -rf $(VENV) dbt_project/target .pytest_cache .mypy_cache .ruff_cache
