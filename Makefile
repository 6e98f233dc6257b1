# `make` lists what there is. Everything lives in .venv; nothing is installed into the system's Python.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --no-compile --prefer-binary
# olefile2: a file for Python 2 that a dependency ships
COMPILE_PYC = .venv/bin/python -m compileall -q -j 0 -x olefile2
# Only names, versions and hashes: where packages come from is the installing machine's own affair.
LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate $(if $(UPGRADE),--upgrade)
BUILD_TOOLS = printf 'hatchling\neditables\n'
WORKERS ?= 4
# What `make test` tries on few cases; see tests/depth.py.
DEEP = tests/tasks tests/fallbacks/ledger tests/fallbacks/store/cluster tests/worker/lookups tests/worker/models/local \
	tests/worker/connectors/mail/test_reading.py tests/worker/http/test_openapi.py tests/chaos/test_crash_matrix.py
# Tests start a hundred interpreters: none should compile what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check bench chaos scenarios image lock clean
.DEFAULT_GOAL := help

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready ## create .venv with the locked dependencies and deskhand itself

demo: .venv/.ready ## see it work: real tickets, a real worker, no key needed
	.venv/bin/deskhand demo

test: .venv/.ready-for-tests ## run every test, against real servers and a real browser, in WORKERS=4 processes; one: .venv/bin/python -m pytest FILE -k NAME
	tests/install-services
	OPENBLAS_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $(WORKERS) --dist worksteal

check: .venv/.ready-for-tests ## lint, format, types, import layers, edges and documentation
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python tests/check_docs.py
	.venv/bin/python tests/check_edges.py

bench: .venv/.ready-for-tests ## measure throughput, latency and memory
	.venv/bin/python -m tests.bench

chaos: .venv/.ready-for-tests ## the long fault campaign, three seeds: kills, failovers, provider blips, clock steps under load
	tests/install-services
	DEEP=1 .venv/bin/python -m pytest -q --timeout 1800 $(DEEP)
	.venv/bin/python -m tests.chaos

scenarios: .venv/.ready-for-tests ## eight nights on call: fault, alert, cause, cure; then a fault for each alert rule (SCENARIO="a worker hangs" or rules for one)
	tests/install-services
	.venv/bin/python -m tests.scenarios $(if $(SCENARIO),"$(SCENARIO)")

image: ## build the container image with docker, podman or buildah (IMAGE_OPTIONS=--offline-base needs no image registry)
	docker/build-image $(IMAGE_OPTIONS)

lock: .venv/.ready-for-tests ## pin the dependencies anew (UPGRADE=1 takes newer releases)
	$(BUILD_TOOLS) | $(LOCK) --extra all pyproject.toml - --output-file docker/requirements.lock
	$(BUILD_TOOLS) | $(LOCK) --extra dev --constraint docker/requirements.lock pyproject.toml - --output-file tests/requirements.lock

clean: ## remove .venv and caches; the state folder .deskhand stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find tasks fallbacks worker tests -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Deskhand needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

.venv/.ready: docker/requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked dependencies into .venv (once; about a minute)"
	@$(PIP) --require-hashes --requirement docker/requirements.lock
	@$(PIP) --no-deps --no-index --no-build-isolation --editable .
	@$(COMPILE_PYC) .venv/lib tasks fallbacks worker
	@touch $@

.venv/.ready-for-tests: tests/requirements.lock .venv/.ready
	@echo "Installing the locked test tools into .venv (once)"
	@$(PIP) --require-hashes --requirement tests/requirements.lock
	@$(COMPILE_PYC) .venv/lib
	@touch $@
