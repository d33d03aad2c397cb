# libelle: `make run` shows everything, `make test` checks everything.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
TEXT ?=
CODE ?=

.DEFAULT_GOAL := help
.PHONY: help alerts run test test-long lint format bench bench-serving mlflow locks notebook env-example image image-base clean

help: ## Say what can be done
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

run: $(VENV)/.ready ## Train on the demonstration corpus, or DATA=my.csv TEXT=col CODE=col, then serve
	@$(BIN)/libelle demo run $(if $(DATA),"$(DATA)") $(if $(TEXT),--text "$(TEXT)") $(if $(CODE),--code "$(CODE)")

test: $(VENV)/.ready ## Run the suite, long repetitions reduced
	$(BIN)/python -m pytest

test-long: $(VENV)/.ready ## Run the suite in full
	$(BIN)/python -m pytest --long

lint: $(VENV)/.ready ## Check style, types and the arrows between modules
	$(BIN)/black --check --quiet src api tests benchmarks image locks notebooks
	$(BIN)/isort --check-only --quiet src api tests benchmarks image locks notebooks
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready ## Format the code
	$(BIN)/isort src api tests benchmarks image locks notebooks
	$(BIN)/black src api tests benchmarks image locks notebooks

bench: $(VENV)/.ready ## Measure against named peers; see benchmarks/README.md
	$(BIN)/python -m benchmarks

bench-serving: $(VENV)/.ready ## Measure the service against others; see benchmarks/README.md
	$(BIN)/python -m benchmarks.serving

mlflow: $(VENV)/.ready ## Open the runs in MLflow
	$(BIN)/libelle runs open

locks: $(VENV)/.ready ## Write locks/*.txt from pyproject.toml
	$(BIN)/python locks/compile.py

notebook: $(VENV)/.ready ## Execute notebooks/drift.ipynb on the log that the settings name
	$(BIN)/python notebooks/execute.py

alerts: $(VENV)/.ready ## Write kubernetes/alerts/libelle.rules.yaml from the rules
	$(BIN)/python -c 'from libelle.monitoring.alerts import render_rules as r; print(r(), end="")' > kubernetes/alerts/libelle.rules.yaml

env-example: $(VENV)/.ready ## Write .env.example from the settings
	$(BIN)/python -c 'from libelle.settings import example_environment as e; print(e(), end="")' > .env.example

image-base: ## Find what the images stand on, so that `make test` builds one too
	$(PYTHON) -m image --base

image: ## Build the three images with docker, podman or buildah, and try them
	$(PYTHON) -m image

clean: ## Remove the environment and what tools left; models and runs stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.ready: locks/all.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "libelle needs Python 3.11 or later: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/all.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
