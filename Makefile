# The commands of Open PaaS. `make run` and `make test` are the two to know; README.md and CONTRIBUTING.md say more.
#
#   make run                 everything on this machine; PORT=8001, BIND=0.0.0.0, PYTHON=python3.12 change the defaults
#   make stop | status       end it from another terminal; what runs and how much memory it holds
#   make reset               empty the data folder (var/)
#   make demo                the whole journey without a browser
#   make test                linters and all tests; ARGS="-q tests/journeys" passes arguments to pytest instead
#   make faults              the long tests that break a real Slurm site in every way we know
#   make lint                the linters alone
#   make bench               prints the figures of the budgets
#   make lock | vendor       renew the locked requirements; fetch the third-party front-end files again

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run stop status reset demo test faults lint format bench lock vendor environments

BIND ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
ENVIRONMENTS = portal/embedded/environments.py
EMBEDDED = .venv/bin/python -m portal.embedded

help:
	@sed -n 's/^#   //p' Makefile

define set_up
@if [ -z "$(PYTHON)" ]; then \
	echo "open-paas: Python 3.11, 3.12 or 3.13 is needed; on Debian and Ubuntu: apt-get install python3 python3-venv" >&2; \
	exit 1; fi; \
	command -v $(PYTHON) >/dev/null || { echo "open-paas: there is no $(PYTHON) on this machine" >&2; exit 1; }; \
	$(PYTHON) $(ENVIRONMENTS) $(1)
endef

run:
	$(call set_up,portal site)
	@exec $(EMBEDDED) run --bind "$(BIND)" --port "$(PORT)"

stop status reset:
	$(call set_up,portal)
	@exec $(EMBEDDED) $@

demo:
	$(call set_up,portal site)
	@exec $(EMBEDDED) exec --all -- .venv/bin/python manage.py demo $(ARGS)

# With ARGS only pytest runs, with these arguments; without, the linters and then every test.
test:
	$(call set_up,portal dev site ray)
	@PYTHON="$(PYTHON)" deploy/test-packages.sh
	@exec deploy/test.sh $(ARGS)

faults:
	$(call set_up,portal dev site ray)
	@PYTHON="$(PYTHON)" deploy/test-packages.sh long
	@exec deploy/test.sh -q -m "long or faults" $(ARGS)

lint:
	$(call set_up,portal dev)
	@exec deploy/lint.sh

format:
	$(call set_up,portal dev)
	@.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format --quiet .

bench:
	$(call set_up,portal dev site)
	@exec .venv/bin/python -m benchmarks $(ARGS)

lock:
	$(call set_up,portal)
	@exec deploy/lock.sh

vendor:
	@exec deploy/vendor.sh
