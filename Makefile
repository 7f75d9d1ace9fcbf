# One environment, .venv, for the demo, the tests and the tools: what runs is what was tested. It is made once from the
# lock file; after that no target but envtest asks a package index.

PYTHON ?= python3
UV_VERSION := 0.13.8
ARGS ?=
WORKERS ?= 2

BIN := .venv/bin
READY := .venv/.ready
PACKAGES := model policy controller exporter server lynceus sandbox
RULES := $(wildcard alerts/*.rules.yaml alerts/*.rules.yml)
RULE_TESTS := $(wildcard tests/alerts/*.test.yaml tests/alerts/*_test.yaml)

.DEFAULT_GOAL := help
.PHONY: help demo test rows check lint fmt types imports policy generated rules docs-check bench envtest build clean install

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

install: $(READY) ## Make the environment .venv

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen --inexact --extra sandbox --group dev
	@touch $@

demo: $(READY) ## Run the whole of Lynceus on an embedded cluster (ARGS=--once: tell the story and end)
	@$(BIN)/lynceus demo $(ARGS)

test: $(READY) ## Run all tests (ARGS=tests/policy: some); skip lines say which parts are missing
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

rows: $(READY) ## Run the tests that carry rows of docs/features.md and list every row with their verdict
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m row --rows $(ARGS)

check: lint types imports policy test docs-check ## Everything that a change has to pass

lint: $(READY) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: $(READY) ## Format the code
	$(BIN)/ruff format .

types: $(READY) ## Check types
	$(BIN)/mypy

imports: $(READY) ## Check who may import whom
	$(BIN)/lint-imports

policy: $(READY) ## Run the unit tests of the example policies
	@$(BIN)/lynceus policy test examples/policy/*.test.yaml --fail-under 100

generated: $(READY) ## Write the files that code writes: docs/metrics.md, alert rules, dashboards
	$(BIN)/python -m exporter.docs > docs/metrics.md.new
	mv docs/metrics.md.new docs/metrics.md
	$(BIN)/python -m alerts.rules
	$(BIN)/python -m dashboards.boards

rules: $(READY) ## Check and test the alert rules with promtool
	promtool check rules $(RULES)
	promtool test rules $(RULE_TESTS)

docs-check: $(READY) ## Check the documentation against the code
	$(BIN)/python -m pytest -q tests/architecture/test_documents.py

bench: $(READY) ## Measure; one JSON object a line
	@$(BIN)/python -m benchmarks $(ARGS)

envtest: ## Build the real control plane for tests into ~/.cache/lynceus/envtest (Go; nine minutes)
	$(PYTHON) tests/envtest/build.py $(ARGS)

build: $(READY) ## Build the wheel and the source archive into dist/
	$(BIN)/uv build --quiet --no-build-isolation
	@ls -l dist

clean: ## Remove everything that was made, .venv included
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
