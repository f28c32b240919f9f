# The few commands one needs.  Each installs what it misses into .venv first (see ops/install.sh).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON_IN_VENV := .venv/bin/python
WORKERS := 2

# Many machines for tests ask Python to keep nothing that it compiled.  Here hundreds of processes begin, and each would
# compile the program anew: three times the work of a command.
export PYTHONDONTWRITEBYTECODE :=

# Locks name exact versions and digests, and no place they come from: that is the machine's business.
LOCK := .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.PHONY: help install develop tools demo test test-ceph lint format lock bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: ## install the program into .venv, from locked and digest-checked packages
	@ops/install.sh run
	@echo "run it as: .venv/bin/preserve --help"

develop:
	@ops/install.sh develop

# What tests need of Debian, besides Python.
tools: develop
	@ops/install.sh tools
	@ops/install.sh browser
	@ops/install.sh converters
	@ops/install.sh postgresql

demo: develop ## the main job for real, in under a minute; KEEP=1 leaves the sites running
	@$(PYTHON_IN_VENV) -m ops.demo.demo $(if $(KEEP),--keep)

test: develop tools ## the tests, two at a time (WORKERS=3: three); PYTEST_ARGS="-k name" for some
	$(PYTHON_IN_VENV) -m pytest -m "not ceph" -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-ceph: develop ## the tests against Ceph, a second and different S3 server
	@ops/install.sh ceph
	$(PYTHON_IN_VENV) -m pytest -m ceph $(PYTEST_ARGS)

lint: develop ## ruff, mypy --strict, import-linter
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: develop ## put the source into its standard form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: develop ## choose new versions of what we depend on
	printf "setuptools\nsetuptools-scm\nuv\n" | $(LOCK) --upgrade - -o requirements-build.txt
	$(LOCK) --upgrade setup.py -c requirements-build.txt -o requirements.txt
	$(LOCK) --upgrade setup.py requirements-dev.in -c requirements-build.txt -c requirements.txt -o requirements-dev.txt

bench: develop ## measure beside the peers; BENCH_ARGS="--corpora DIR"
	$(PYTHON_IN_VENV) -m ops.bench.run $(BENCH_ARGS)

clean: ## remove everything that make made
	rm -rf .venv build dist demo-run *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
