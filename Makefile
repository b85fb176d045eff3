# Two commands set everything up: `make demo` plans a digital patient, `make test` passes the tests.
# Both create .venv with plain `python3 -m venv` and install from lock files with hashes; the build back end
# comes from the lock too, and the package is built without isolation, since isolation escapes the hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-slow check bench docs lock clean

demo: $(VENV)/.installed
	$(BIN)/emboplan demo -o demo --force

test: $(VENV)/.installed-dev
	$(BIN)/pytest -q -m "not slow"

test-slow: $(VENV)/.installed-dev
	$(BIN)/pytest -q

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.installed-dev
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "emboplan needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make demo PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.locked: requirements.lock | $(VENV)/bin/python
	$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

$(VENV)/.locked-dev: requirements-dev.lock | $(VENV)/bin/python
	$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@ $(VENV)/.locked

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(PIP) install --no-build-isolation --no-deps --no-index -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.locked-dev pyproject.toml
	$(PIP) install --no-build-isolation --no-deps --no-index -e .
	@touch $@ $(VENV)/.installed

# Renews both lock files; the only target that needs another tool (uv), and only for maintainers.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --extra pdf --extra tables --extra build -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --extra pdf --extra tables --extra build --extra dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) site demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
