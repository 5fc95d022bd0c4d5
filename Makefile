# make live   hear it: install, start the server, play a phrase at it, write what came back
# make test   everything that must pass before a change lands
# make nightly  the slow and heavy tests as well

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: live test nightly lint cpp-test client-programs clean

live: $(VENV)/live
	$(BIN)/python -m midigpt_server.demo --out out

test: $(VENV)/test lint cpp-test client-programs
	$(BIN)/python -m pytest

nightly: $(VENV)/test lint cpp-test client-programs
	$(BIN)/python -m pytest -m "nightly or not nightly"

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

cpp-test:
	cmake -S core/cpp -B build/sanitize -DMIDIGPT_PYTHON=OFF -DMIDIGPT_TESTS=ON -DMIDIGPT_SANITIZE=ON
	cmake --build build/sanitize -j $(JOBS)
	ctest --test-dir build/sanitize --output-on-failure

# SuperCollider and Pure Data, which the tests of clients/ drive; skipped where they cannot be had.
client-programs:
	tests/server/clients/install.sh

clean:
	rm -rf build $(VENV)

# The package is rebuilt when anything that goes into the wheel changes.
SOURCES := $(shell find pyproject.toml constraints.txt core server models soundfonts -type f \
	-not -path '*/__pycache__/*' -not -path '*/.mypy_cache/*' 2>/dev/null)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/live: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt .
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt tinysoundfont
	touch $@

$(VENV)/test: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt ".[torch,train,test]"
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt tinysoundfont
	touch $@ $(VENV)/live
