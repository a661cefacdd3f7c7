# What a person or a machine does with this folder. It needs python3 (with venv) and make; the
# rest goes into .venv. `make help` says what there is.

PYTHON ?= python3
VENV ?= .venv
UV ?= $(shell command -v uv || echo .venv-lock/bin/uv)
ARGS ?=

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
CREATED := $(VENV)/python-$(VERSION)
RUNTIME := $(CREATED)-runtime
DEVELOPMENT := $(CREATED)-development
INSTALL := $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes
COMPILE = $(UV) pip compile --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-313 tests torture contract-testnet bench lock clean

help: ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done

run: $(RUNTIME) ## trade on paper, with recorded market data; flags through ARGS="..."
	@exec $(VENV)/bin/python auto_trading.py --venue paper $(ARGS)

test: $(DEVELOPMENT) ## check format, style and types, run all tests; ARGS goes to pytest
	@failed=""; \
	check() { name="$$1"; shift; echo "$$name:"; "$$@" || failed="$$failed $$name"; }; \
	check format $(VENV)/bin/python -m ruff format --check .; \
	check style $(VENV)/bin/python -m ruff check .; \
	check types $(VENV)/bin/python -m mypy; \
	check tests $(VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS); \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

test-313: ## run the tests under Python 3.13 too, if it is installed
	@for found in python3.13 "$$(PYENV_VERSION="$$(pyenv versions --bare 2>/dev/null | \
		grep '^3\.13' | tail -n 1)" pyenv which python3.13 2>/dev/null)"; do \
		if "$$found" -c '' 2>/dev/null; then \
			exec $(MAKE) --no-print-directory tests VENV=.venv-3.13 PYTHON="'$$found'"; \
		fi; \
	done; \
	echo "left out: the tests under Python 3.13, which is not installed here"

tests: $(DEVELOPMENT)
	@$(VENV)/bin/python --version
	@$(VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS)

torture: $(DEVELOPMENT) ## kill real processes, shake the simulator; KILLS=, SEEDS=, STORMS= and ARGS=
	@KILLS=$${KILLS:-200} SEEDS=$${SEEDS:-10} STORMS=$${STORMS:-20000} $(VENV)/bin/python -m pytest \
		-n auto --dist worksteal --timeout 7200 tests/test_processes.py tests/test_weather.py \
		tests/simulator_server/test_durable_books.py tests/simulator/test_shadow.py $(ARGS)

contract-testnet: $(DEVELOPMENT) ## ask Binance's testnet what the simulator claims; keys in the environment
	@CONTRACT=testnet $(VENV)/bin/python -m pytest -k testnet tests/contract $(ARGS)

bench: $(RUNTIME) ## measure speed and size, as ratios to a bare reference in the same run
	@$(VENV)/bin/python -m bench $(ARGS)

lock: $(UV) ## find the newest versions that requirements/*.in allow, and pin them with hashes
	@$(COMPILE) --upgrade --output-file requirements.lock requirements/runtime.in >/dev/null
	@$(COMPILE) --upgrade --constraint requirements.lock --output-file requirements-dev.lock \
		requirements/development.in >/dev/null

clean: ## remove what make made; ctx/ and .env stay
	@rm -rf .venv .venv-3.13 .venv-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed")'
	@echo "making $(VENV) with Python $(VERSION), once; this takes a minute"
	@$(PYTHON) -m venv $(if $(wildcard $(VENV)/python-*),--clear) $(VENV)
	@touch $@

$(RUNTIME): requirements.lock | $(CREATED)
	@$(INSTALL) -r requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock | $(CREATED)
	@$(INSTALL) -r requirements-dev.lock
	@touch $(RUNTIME) $@

.venv-lock/bin/uv:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install -qq --disable-pip-version-check uv
