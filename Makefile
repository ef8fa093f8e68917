# Each target sets up what it needs in .venv; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help train test check lint format types bench reproduce clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

train: $(READY) ## Train: make train ARGS="loss=dice model=unet"
	@$(BIN)/losslab train $(ARGS)

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(READY) ## Look for mistakes and bad format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## Check the types
	$(BIN)/mypy

check: lint types test ## All that CI calls

bench: $(READY) ## Measure speed beside peers, as ratios in one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks $(ARGS)

reproduce: $(READY) ## Run every question's preset in full; write docs/results.md
	$(BIN)/python -m losslab.experiments.reproduce $(ARGS)

clean: ## Remove what make made; runs stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
