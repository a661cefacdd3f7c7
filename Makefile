# What a person or a machine does with this folder. It needs python3 (with venv) and make; the
# rest goes into .venv. `make help` says what there is.

PYTHON ?= python3
VENV ?= .venv
UV ?= $(shell command -v uv || echo .venv-lock/bin/uv)
ARGS ?=
# one more than cores: some tests mostly wait
WORKERS ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 2 )))

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
CREATED := $(VENV)/python-$(VERSION)
RUNTIME := $(CREATED)-runtime
DEVELOPMENT := $(CREATED)-development
INSTALL := $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes
COMPILE = $(UV) pip compile --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run install uninstall update runtime test test-313 tests test-long torture contract-testnet bench pictures lock audit clean

help: ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done

run: $(RUNTIME) ## trade on paper, with recorded market data; flags through ARGS="..."
	@exec $(VENV)/bin/python auto_trading.py --venue paper $(ARGS)

install: $(RUNTIME) ## make this folder a service of yours: started at boot, without root
	@$(VENV)/bin/python -m lib.control.service_unit install

uninstall: $(RUNTIME) ## stop that service and remove it; conf.json, .env, ctx/ and journal/ stay
	@$(VENV)/bin/python -m lib.control.service_unit uninstall

update: $(RUNTIME) ## take the newest version if it passes `check`; go back if it does not start
	@$(VENV)/bin/python -m lib.control.update

runtime: $(RUNTIME)

test: $(DEVELOPMENT) ## check format, style and types, run all tests; ARGS goes to pytest
	@failed=""; \
	check() { name="$$1"; shift; echo "$$name:"; "$$@" || failed="$$failed $$name"; }; \
	check format $(VENV)/bin/python -m ruff format --check .; \
	check style $(VENV)/bin/python -m ruff check .; \
	check types $(VENV)/bin/python -m mypy; \
	check tests $(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS); \
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
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-long: $(DEVELOPMENT) ## run the tests that take long, which `make test` leaves out
	@LONG=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal --timeout 900 -m long $(ARGS)

torture: $(DEVELOPMENT) ## try every way to die and write docs/resilience.md; SHARE=0.1 is a tenth
	@$(VENV)/bin/python -m tests.torture --share $${SHARE:-1} $(ARGS)

contract-testnet: $(DEVELOPMENT) ## ask Binance's testnet what the simulator claims; keys in the environment
	@CONTRACT=testnet $(VENV)/bin/python -m pytest -k testnet tests/contract $(ARGS)

bench: $(RUNTIME) ## measure speed and size, as ratios to a bare reference in the same run
	@$(MAKE) --no-print-directory .venv-bench/installed || \
		echo "left out: other back-testers, which could not be installed"
	@$(VENV)/bin/python -m bench $(ARGS)

pictures: $(DEVELOPMENT) ## draw the pictures of docs/bots/ from runs on recorded prices; minutes
	@$(VENV)/bin/python -m tests.pictures $(ARGS)

lock: $(UV) ## find the newest versions that requirements/*.in allow, and pin them with hashes
	@$(COMPILE) --upgrade --output-file requirements.lock requirements/runtime.in >/dev/null
	@$(COMPILE) --upgrade --constraint requirements.lock --output-file requirements-dev.lock \
		requirements/development.in >/dev/null
	@$(COMPILE) --upgrade --constraint requirements-dev.lock --output-file requirements-research.lock \
		requirements/research.in >/dev/null
	@$(COMPILE) --upgrade --output-file requirements-bench.lock requirements/bench.in >/dev/null

audit: ## look up known holes of the pinned packages; says so if nobody can be asked
	@$(MAKE) --no-print-directory .venv-audit/bin/pip-audit >/dev/null 2>&1 || true
	@$(PYTHON) -m tests.known_holes .venv-audit/bin/pip-audit requirements.lock

clean: ## remove what make made; ctx/ and .env stay
	@rm -rf .venv .venv-3.13 .venv-lock .venv-audit .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
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

.venv-bench/installed: requirements-bench.lock
	@echo "making .venv-bench, once, with what is compared with"
	@$(PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv-audit/bin/pip-audit:
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install -qq --disable-pip-version-check pip-audit
