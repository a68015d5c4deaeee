# Two commands do everything: `make run` shows handspike at work, `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help run test lint bench full clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \"handspike needs Python 3.11 or newer; name one: make PYTHON=python3.12\" or 0)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(STAMP) ## replay a recorded real incident and watch it being found
	$(BIN)/handspike demo

test: $(STAMP) ## the whole test suite (tests that need an absent server skip and say how to get it)
	$(BIN)/python -m pytest

lint: $(STAMP) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) ## speed as a ratio against mtail and ripgrep, measured in one run
	$(BIN)/python -m bench

full: $(STAMP) ## the long proofs: full benchmark, many kills; writes bench/results/
	$(BIN)/python -m bench --full --write
	$(BIN)/python -m pytest --full

clean: ## remove the virtual environment and build output
	rm -rf $(VENV) build dist *.egg-info
