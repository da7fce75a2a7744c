# Every target makes .venv itself; nothing but make, git and a Python from 3.11 on (with venv) is needed.
#
#   make demo            watch real jobs fire for ten seconds
#   make test            run the test suite            PYTEST_ARGS="-k cron" narrows it
#   make check           what CI runs: style, types, floors, dependencies, tests with branch coverage
#   make bench           measure beside the peers      BENCH_ARGS="imports dispatch" picks scripts
#   make soak            run 500 jobs a second for SECONDS=60, count what piles up   SECONDS=3600 for an hour
#   make docs            build the manual into docs/_build
#   make clean           remove what the other targets made
#
# PYTHON=/path/to/python chooses the interpreter, JOBS=4 the number of test processes.

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
SECONDS ?= 60
# The extras that have code to be tested by now.
EXTRAS := rrule,sqlalchemy,postgres,mysql,signing,dask

# The first interpreter that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)

# Stamps: a virtual environment with the library; with the tools; with what the manual needs; one with the peers.
LIBRARY := $(VENV)/.library
TOOLS := $(VENV)/.tools
MANUAL := $(VENV)/.manual
PEERS := .venv-peers/.peers

PIP := -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8

.PHONY: help demo test lint check bench soak docs clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

demo: $(LIBRARY)
	@$(BIN)/python examples/demo.py

test: $(TOOLS)
	$(PYTEST) $(PYTEST_ARGS)

lint: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

check: lint
	$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

bench: $(PEERS)
	.venv-peers/bin/python -m benchmarks $(BENCH_ARGS)

soak: $(LIBRARY)
	$(BIN)/python -m benchmarks.soak --seconds $(SECONDS)

docs: $(MANUAL)
	$(BIN)/python -m sphinx -W -n --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) .venv-peers docs/_build build dist htmlcov .coverage .coverage.* \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call library,DIRECTORY): make a virtual environment there and install the library into it, editable, with what the
# demo needs.
define library
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
		echo "make: found no Python 3.11 or newer that can make virtual environments (module venv)." >&2; \
		echo "make: install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "make: $$python is older than Python 3.11, or does not run." >&2; exit 1; \
	fi; \
	[ -x $(1)/bin/python ] || "$$python" -m venv $(1)
	@# Python 3.11 brings a pip that cannot install dependency groups.
	$(1)/bin/python $(PIP) --upgrade 'pip>=25.1'
	$(1)/bin/python $(PIP) --editable '.[sqlalchemy]'
endef

$(LIBRARY): pyproject.toml
	$(call library,$(VENV))
	@touch $@

$(TOOLS): $(LIBRARY)
	$(BIN)/python $(PIP) --group dev --editable '.[$(EXTRAS)]'
	@touch $@

$(MANUAL): $(LIBRARY)
	$(BIN)/python $(PIP) --group docs
	@touch $@

$(PEERS): pyproject.toml
	$(call library,.venv-peers)
	.venv-peers/bin/python $(PIP) --group peers
	.venv-peers/bin/python $(PIP) --group peers-of-its-own --target .venv-peers/apscheduler4 --upgrade
	@touch $@
