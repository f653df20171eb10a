# The only requirements are Python 3.11 to 3.13, make and git: everything else is installed into .venv.
# `make setup` does just that; each other target does it first where it has not been done.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
JOBS ?= 2

.PHONY: help setup demo test test-slow check format lock clean

help:
	@echo "make setup      install everything into .venv; then use .venv/bin/saccade"
	@echo "make demo       draw the built-in scenes, train on them, score, report"
	@echo "make test       the tests;  make test-slow: the long ones too"
	@echo "make check      ruff format and lint, mypy strict"
	@echo "make lock       renew requirements.lock from pyproject.toml"

setup: $(STAMP)

# Compiled bytecode is worth its seconds: the first import of torch and Lightning is then twice as fast.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 13) else "saccade needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d; say make PYTHON=python3.12, for example" % v[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/saccade train scenes-multilabel
	@echo
	@echo "Look at the run: $(BIN)/saccade browse \"$$(ls -td runs/scenes-multilabel/*/ | head -n 1)\""

# The files that take longest come first, or one process would end with them while the others have nothing to do.
TESTS := --dist loadfile --no-loadscope-reorder tests/test_docs.py tests/commands tests

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) $(TESTS) -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) $(TESTS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	  --group dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache
