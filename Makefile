# Set-up and the commands of every day. Each target sets up .venv by itself when it is missing or out of date.
# make demo ARGS="--sales 1000" passes options on; make test PYTHON=python3.13 chooses the interpreter.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# Two stamps, written last: the run-time part is enough for demo and dev, and installs in half the time.
RUN := $(VENV)/.ready-run
DEV := $(VENV)/.ready-dev
INPUTS := Makefile constraints.txt pyproject.toml

# With test and demo in one parallel make, demo must not run while the rest is being installed under it.
ifneq ($(filter test check pins,$(MAKECMDGOALS)),)
RUN := $(DEV)
endif

# Some machines forbid bytecode; then every command would compile pandas and Dagster anew, for seconds each time.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The machine's own certificates, as pip uses: where a proxy looks into TLS, uv's bundled ones know nothing of it.
export UV_SYSTEM_CERTS ?= 1

# Out of date besides by age: a moved checkout (scripts hold absolute paths), a lost interpreter, another one asked for.
ifneq ($(shell cat $(VENV)/.checkout 2>/dev/null),$(CURDIR))
STALE := stale
endif
ifeq ($(wildcard $(BIN)/python),)
STALE := stale
endif
ifneq ($(origin PYTHON),undefined)
ifneq ($(shell cat $(VENV)/.python 2>/dev/null),$(PYTHON))
STALE := stale
endif
endif

# In order of preference, the first that is new enough; the plain name last, to be named in the error.
FIND_PYTHON = for p in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  p=$(or $(PYTHON),python3); \
	done

.DEFAULT_GOAL := help
.PHONY: help demo dev test check conformance java pins clean stale

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(RUN) ## run the whole graph on generated data; ARGS="--sales 1000"
	@$(BIN)/concert-assets demo $(ARGS)

dev: $(RUN) ## start the web UI and the daemon on the same home; ARGS="--port 3001"
	@$(BIN)/concert-assets dev $(ARGS)

test: $(DEV) ## run the tests; ARGS="-k ledger"
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV) ## lint, format and types
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy || status=1; \
	exit $$status

# The Spark of Glue 5.0, in an environment of its own: it is large, and nothing else of the project needs it.
SPARK := .venv-spark
conformance: java $(SPARK)/.ready ## compare DuckDB with Glue's Spark, row by row; needs Java 17; ARGS="--sales 100000"
	@$(SPARK)/bin/python -m concert_assets_tests.conformance $(ARGS) 2>$(SPARK)/log || \
	  { tail -n 20 $(SPARK)/log >&2; echo "the whole log of Spark is $(SPARK)/log" >&2; exit 1; }

# The java that Spark takes. Newer ones run it too, some with other formats of dates: Glue 5.0 has 17.
java: ## fail with one line where java is not the 17 that Spark needs
	@version=$$("$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p'); \
	case "$$version" in 17 | 17.*) ;; *) \
	  echo "Spark needs Java 17, and java is $${version:-not there}; on Debian: apt-get install openjdk-17-jre-headless, or set JAVA_HOME" >&2; \
	  exit 1;; esac

$(SPARK)/.ready: $(RUN) constraints.txt
	@echo "setting up $(SPARK) with PySpark …"
	@rm -rf $(SPARK)
	@$(BIN)/python -m venv $(SPARK)
	@uv=$(BIN)/uv; [ -x "$$uv" ] || uv=$$(command -v uv) || uv=; \
	if [ -n "$$uv" ]; then \
	  "$$uv" pip install --quiet --python $(SPARK)/bin/python --constraints constraints.txt --build-constraints \
	    constraints.txt --editable '.[conformance]'; \
	else \
	  PIP_BUILD_CONSTRAINT=constraints.txt $(SPARK)/bin/python -m pip install --quiet --constraint constraints.txt \
	    --editable '.[conformance]'; \
	fi
	@touch $@

# Keeps each version that still fits; ARGS=--upgrade takes the newest. One version for every platform and Python from
# 3.11, so the markers that tell where a package is needed are dropped: a constraint on an absent package does nothing.
pins: $(DEV) ## write constraints.txt anew from pyproject.toml; ARGS=--upgrade for newer versions
	@uv=$(BIN)/uv; [ -x "$$uv" ] || uv=uv; \
	cp constraints.txt $(VENV)/pins && \
	"$$uv" pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras \
	  --no-header --no-annotate --output-file $(VENV)/pins $(ARGS) pyproject.toml && \
	sed 's/ *;.*//' $(VENV)/pins >$(VENV)/constraints && mv $(VENV)/constraints constraints.txt

clean: ## remove .venv and caches; data in .concert stays
	rm -rf $(VENV) $(SPARK) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find concert_assets concert_assets_tests -name __pycache__ -prune -exec rm -rf {} +

ifndef SETUP_PYTHON
# One set-up at a time: the lock is on this file, passes to the inner make, and dies with it however it ends. The inner
# make looks at the stamp again, since another make may have done the work in the meantime.
$(sort $(RUN) $(DEV)): $(INPUTS) $(STALE)
	@$(FIND_PYTHON); \
	version=$$("$$p" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || version="not there"; \
	if ! "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "set-up needs Python 3.11 or newer, and $$p is $$version; name another: make PYTHON=python3.12 …" >&2; \
	  exit 1; \
	fi; \
	if ! command -v uv >/dev/null && ! "$$p" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "set-up needs venv and ensurepip, which $$p ($$version) lacks; on Debian: apt-get install python3-venv" >&2; \
	  exit 1; \
	fi; \
	SETUP_PYTHON="$$p" "$$p" -c 'import fcntl, os, sys; lock = os.open("Makefile", os.O_RDONLY); \
	os.set_inheritable(lock, True); fcntl.flock(lock, fcntl.LOCK_EX); os.execvp(sys.argv[1], sys.argv[1:])' \
	  $(MAKE) --no-print-directory $@
else
# uv where it is or where pip can fetch it, pip where not. Adding the dev part leaves what is installed in place.
INSTALL = if [ -x $(BIN)/uv ] || command -v uv >/dev/null; then \
	  uv=$(BIN)/uv; [ -x "$$uv" ] || uv=uv; \
	  "$$uv" pip install --quiet --python $(BIN)/python --constraints constraints.txt \
	    --build-constraints constraints.txt $(1); \
	else \
	  PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --no-compile \
	    --constraint constraints.txt $(2); \
	fi

$(VENV)/.ready-run: $(INPUTS) $(STALE)
	@echo "setting up $(VENV) with $$("$$SETUP_PYTHON" -V) …"
	@rm -rf $(VENV)
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --python "$$SETUP_PYTHON" $(VENV); \
	else \
	  "$$SETUP_PYTHON" -m venv $(VENV) && \
	  { $(BIN)/python -m pip install --quiet --only-binary :all: --constraint constraints.txt uv 2>/dev/null || \
	    echo "uv cannot be had here; pip takes longer"; }; \
	fi
	@echo "installing the run-time packages …"
	@$(call INSTALL,--editable .,--editable .)
	@$(BIN)/concert-assets setup
	@printf '%s\n' '$(or $(PYTHON),$(SETUP_PYTHON))' >$(VENV)/.python
	@printf '%s\n' '$(CURDIR)' >$(VENV)/.checkout
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-run
	@echo "installing the packages for tests and checks …"
	@rm -f $(VENV)/.ready-run
	@$(call INSTALL,--requirements pyproject.toml --extra dev,--editable '.[dev]')
	@touch $(VENV)/.ready-run $@
endif
