# `make app` opens the explorer, `make test` runs the tests; each sets up what it needs first.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
CHROMIUM := $(VENV)/.chromium

# The first of these that runs, is 3.11-3.13 and can make environments is taken; PYTHON=... names another.
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
PYTHON_IS_SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

# Arguments for the explorer, e.g. ARGS="--run runs/mine --cohort cohort"; for pytest, e.g. ARGS="-k cohort".
ARGS ?=
# Test processes; each may hold its own TensorFlow.
WORKERS ?= 2
# Threads of several test processes would wait for each other, spinning.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# `make bench SIZE=full` measures at full size (minutes each); small is what CI runs.
SIZE ?= small

SOURCES := cmae train app tests benchmarks data_samples docs

.DEFAULT_GOAL := help
.PHONY: help app test check bench bench-app screenshots figures results setup clean

help:
	@echo "make app     open the explorer in the browser (sets everything up first)"
	@echo "make test    run all tests: the fast ones, then the slow ones and the real browser"
	@echo "make check   lint, format, types and the import contracts"
	@echo "make bench   run the benchmarks small (SIZE=full: at full size)"
	@echo "make bench-app measure the explorer on 100,000 rows in a headless browser (minutes)"
	@echo "make screenshots redraw the README's pictures of the explorer"
	@echo "make figures redraw docs/simulator.md from the code (REAL=FOLDER: compare with real recordings too)"
	@echo "make results redraw docs/results.md (half an hour; BASELINES='RUN …': compare with unimodal or supervised runs)"
	@echo "make setup   only set up the environment in $(VENV)"
	@echo "make clean   remove the environment, the demo cohort and all caches"

setup: $(INSTALLED)

app: $(INSTALLED)
	@$(BIN)/python -m app $(ARGS)

test: $(INSTALLED_DEV) $(CHROMIUM)
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not browser" $(ARGS)
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -m "slow and not browser" $(ARGS)
	$(BIN)/python -m pytest -m browser $(ARGS)

check: $(INSTALLED_DEV)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED_DEV)
	@set -e; for script in benchmarks/*.py; do \
		echo "== $$script ($(SIZE))"; \
		$(BIN)/python $$script --size $(SIZE); \
	done

bench-app: $(INSTALLED_DEV) $(CHROMIUM)
	$(BIN)/python benchmarks/explorer.py --size full

screenshots: $(INSTALLED_DEV) $(CHROMIUM)
	$(BIN)/python docs/draw_screenshots.py $(ARGS)

figures: $(INSTALLED)
	$(BIN)/python docs/draw_simulator.py $(if $(REAL),--real $(REAL)) $(ARGS)

results: $(INSTALLED)
	$(BIN)/python docs/draw_results.py $(if $(BASELINES),--baseline $(BASELINES)) $(ARGS)

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that does not run (interrupted, or its Python is gone) is made anew.
$(INSTALLED): requirements.txt pyproject.toml
	@if ! $(BIN)/python -c "import pip" 2>/dev/null; then \
		found=""; \
		for python in $(PYTHONS); do \
			if "$$python" -c "$(PYTHON_IS_SUITABLE)" 2>/dev/null; then found="$$python"; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No suitable Python found (tried: $(PYTHONS)): install Python 3.11, 3.12 or 3.13 with its venv module, or say PYTHON=/path/to/python." >&2; \
			exit 2; \
		fi; \
		echo "Making the environment $(VENV) with $$("$$found" --version)"; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing what requirements.txt names (once; about 1 GB to download, minutes)"
	@$(BIN)/python -m pip install --disable-pip-version-check --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt
	@echo "Installing what the tests and checks need (once)"
	@$(BIN)/python -m pip install --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

$(CHROMIUM): $(INSTALLED_DEV)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh .ci/chromium
	@touch $@
