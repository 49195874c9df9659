# What a person or CI does with this repository. `make` alone says what there is.
#
#   make test PYTHON=python3.12 VENV=.venv-3.12     another interpreter, beside the first
#   make demo ARGS="--for 60 --speed 60"            what follows is handed to the command
#   make test WORKERS=0 ARGS="--pdb -k ledger"      in one process, to look inside

PYTHON ?= python3
VENV ?= .venv
UV ?= uv
ARGS ?=
# Tests at a time: the limits of `make check` and `make test` are meant for two cores.
WORKERS ?= 2

BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal
PACKAGES := monitor adapters alerts
# Built once for each content of the lock and each interpreter, so that the second run is quick.
KEY := $(shell $(PYTHON) -c 'import hashlib, platform, sys; print(hashlib.sha256(open("requirements-dev.lock", "rb").read()).hexdigest()[:16] + "-" + platform.python_version())' 2>/dev/null)
STAMP := $(VENV)/.installed-$(or $(KEY),unknown)
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-build --no-emit-index-url --no-emit-find-links --quiet

.DEFAULT_GOAL := help
.PHONY: help .venv demo test check linted compiled format bench soak lock audit ratchet pictures clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: $(VENV)/.project ## install everything that is locked, and the command `margind`, into .venv

demo: $(VENV)/.project ## an exchange, 40 accounts and a crash hour, all on this machine
	$(BIN)/margind demo $(ARGS)

check: $(VENV)/.project ## format, lint, types, layers, unit tests: before every commit
	@$(MAKE) --no-print-directory -j 2 linted compiled
	MARGIND_EXAMPLES=few $(PYTEST) -m "not slow and not integration and not soak" $(ARGS)

# Both at once, since each has one process: the linters, and the formulas that the unit tests want compiled.
linted: $(VENV)/.project
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

compiled: $(VENV)/.project
	$(BIN)/python -m tests.support.compile_all

test: $(VENV)/.project ## every test that a change must pass
	$(PYTEST) -m "not soak" $(ARGS)

bench: $(VENV)/.project ## the table of speeds, each beside a peer or a limit
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/.project ## the long runs, by hand
	$(BIN)/python -m pytest -q -m soak --timeout 0 $(ARGS)

format: $(VENV)/.project ## put the text in form, and repair what the linter can
	$(BIN)/ruff check --fix-only $(ARGS) .
	$(BIN)/ruff format .

ratchet: $(VENV)/.project ## write today's count of long functions and files into tests/ratchet.json
	$(BIN)/python -m tests.test_house_style

pictures: $(VENV)/.project ## messages as a desk sees them, into tests/golden/messages; needs a chromium
	$(BIN)/python -m tests.support.pictures $(ARGS)

audit: $(VENV)/.project ## ask for known faults in what is locked
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

lock: ## resolve again; ARGS=--upgrade takes newer versions
	@command -v $(UV) >/dev/null || { echo "uv is missing: pip install uv"; exit 1; }
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) -o requirements.lock $(ARGS)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock $(ARGS)

clean: ## remove the environment and the caches
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP):
	@command -v git >/dev/null || { echo "git is missing: apt-get install git"; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "$(PYTHON) is not 3.11, 3.12 or 3.13: choose one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@if command -v $(UV) >/dev/null; then set -x; \
		$(UV) pip install --quiet --python $(BIN)/python --require-hashes --only-binary :all: --compile-bytecode \
			-r requirements-dev.lock; \
	else set -x; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
			-r requirements-dev.lock; \
	fi
	@touch $@

$(VENV)/.project: pyproject.toml $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
