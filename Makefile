# Every target sets itself up; nothing needs root, Docker, a key or a step by hand.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
TOOLS  := $(VENV)/.ready-dev
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SHIPS  := roadmap_start core clients/python/src/roadmap_client db notifications llm watching workflow roadmaps worker tasks wiring api cli embedded roadmap_worker celeryconfig.py
PKGS   := $(SHIPS) tests docs bench chaos .ci/migrations.py .ci/audit.py .ci/javascript.py
export GOAL

.DEFAULT_GOAL := help
.PHONY: help setup tools demo up test check format lint types scripts layers migrations audit bench chaos chaos-cut docs images lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP)  ## .venv with the `roadmap` command; quick when nothing changed

$(STAMP): requirements-local.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("roadmap-worker needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt install python3-venv)"; rm -rf $(VENV); exit 1; }
	@echo "installing what running needs, pinned (one to four minutes, once)"
	@$(PIP) --require-hashes -r requirements-local.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(SHIPS)
	@touch $@

tools: $(TOOLS)

$(TOOLS): $(STAMP) requirements-dev.txt
	@echo "installing what tests and checks need, pinned (one to four minutes, once)"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

demo: setup  ## a roadmap from nothing, live; GOAL="Learn Rust" changes the goal
	@$(BIN)/roadmap demo

up: setup  ## PostgreSQL, Redis, worker, beat, API and Flower until Ctrl-C
	@$(BIN)/roadmap up

test: tools  ## the whole test suite
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile

check: format lint types scripts layers migrations audit test  ## exactly what CI runs

format: tools
	@$(BIN)/ruff format --check --quiet $(PKGS) && echo "format ok"

lint: tools
	@$(BIN)/ruff check --quiet $(PKGS) && echo "lint ok"

types: tools
	@$(BIN)/mypy --no-error-summary $(PKGS) && echo "types ok"

scripts: tools  ## types and rules of the pages' modules, where there is npm
	@$(BIN)/python .ci/javascript.py

layers: tools
	@$(BIN)/lint-imports > /dev/null && echo "layers ok" || { $(BIN)/lint-imports; exit 1; }

migrations: tools
	@$(BIN)/python .ci/migrations.py > /dev/null && echo "migrations ok"

audit: tools  ## the pinned requirements against a list of known vulnerabilities, when there is one
	@$(BIN)/python .ci/audit.py

bench: $(VENV)/.peers  ## benchmarks, ratios side by side
	@$(BIN)/python -m bench

$(VENV)/.peers: $(TOOLS) requirements-bench.txt
	@$(PIP) --require-hashes -r requirements-bench.txt
	@touch $@

chaos: tools  ## the fault suite, longer than CI wants: the kill matrix, then three storms
	@$(BIN)/python -m chaos --minutes 8 --faults 60 --tasks 2000 --seed 1 --seed 2 --seed 3

chaos-cut: tools  ## three minutes of a storm from a fixed seed
	@$(BIN)/python -m chaos --only storm --minutes 3 --seed 19

docs: tools  ## what documentation is made from code
	@$(BIN)/python -m docs.generate

images: tools  ## the pictures of the documentation, from the real pages
	@$(BIN)/python -m docs.images

lock: setup  ## resolve the pinned requirements anew
	@$(BIN)/python -m pip install --quiet uv
	@for extra in "" local dev bench; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m uv pip compile pyproject.toml $${extra:+--extra $$extra} \
	    --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	    --output-file requirements$${extra:+-$$extra}.txt || exit 1; done

clean:  ## delete the environment and the data of `make demo` and `make up`, all tasks included
	@for lock in .roadmap/up.lock .roadmap-demo/up.lock; do \
	  test ! -e $$lock || $(PYTHON) -c 'import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)' $$lock 2> /dev/null \
	  || { echo "A stack is running on $${lock%/*}: stop it with Ctrl-C where it runs, then clean again"; exit 1; }; done
	@rm -rf build dist $(VENV) .roadmap .roadmap-demo .mypy_cache .ruff_cache .pytest_cache *.egg-info
