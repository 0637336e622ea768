# The README's two commands are `make bench` and `make test`. Both set up .venv when it isn't there or is out of date.

MODELS ?= toy_resnet
# Of `make bundle`: the target's Python, its list of packages, where the bundle goes, and the data that it takes along.
PYTHON_VERSION ?= 3.12
HAVE ?=
BUNDLE ?= build/bundle
DATA_DIR ?=
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $(p))))

BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
DECLARED := pyproject.toml constraints.txt zoo/__init__.py $(PLUGINS:%=%/pyproject.toml)
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: help bench test check docs benchmarks bundle clean

help:  ## say what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

bench: .venv/.zoo  ## set up, then measure toy_resnet on this machine (MODELS="resnet20 plain20" for others)
	@echo "zoo: measuring $(MODELS)"
	@$(BIN)/zoo bench $(MODELS)

test: .venv/.dev  ## set up, then run all tests
	@echo "zoo: running the tests, three at a time, then one by one those that depend on time"
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m 'not timed'
	@$(BIN)/python -m pytest -m timed

check: .venv/.dev  ## ruff and mypy
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: .venv/.dev  ## write the generated pages of docs/ anew
	@$(BIN)/python docs/generate.py

benchmarks: .venv/.dev  ## the zoo's own speed, and side by side with what users would run instead
	@$(BIN)/python -m pytest benchmarks --benchmark-only

bundle: .venv/.zoo  ## all that a machine without a network takes, as files (PYTHON_VERSION, HAVE, BUNDLE, DATA_DIR)
	@$(BIN)/python benchmarks/gpu/bundle.py --out '$(BUNDLE)' --python $(PYTHON_VERSION) \
		$(if $(HAVE),--have '$(HAVE)') $(if $(DATA_DIR),--dataset cifar10 --data-dir '$(DATA_DIR)')

clean:  ## remove .venv and caches
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

.venv/.zoo: $(DECLARED)
	@test -n "$(PYTHON)" || { echo "zoo: no Python 3.11, 3.12 or 3.13 with venv found (on Debian: python3-venv); name one with PYTHON=…" >&2; exit 2; }
	@echo "zoo: making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@echo "zoo: installing zoobench and its plugins; TensorFlow is about 600 MB to download"
	@$(INSTALL) --editable '.[tensorflow]' $(PLUGINS:%=--editable %)
	@touch $@

.venv/.dev: .venv/.zoo
	@echo "zoo: installing what the tests need: JAX, PyTorch, pytest and others"
	@$(INSTALL) --editable '.[dev]'
	@touch $@
