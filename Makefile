# make live   hear it: install, start the server, play a phrase at it, write what came back
# make studio play in the browser: install, start the server and its page
# make test   everything that must pass before a change lands
# make nightly  the slow and heavy tests as well, and the C++ tests under ThreadSanitizer

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: live studio test nightly lint cpp-test thread-test web web-test web-compare programs clean

live: $(VENV)/live
	$(BIN)/python -m midigpt_server.demo --out out

studio: $(VENV)/studio
	$(BIN)/midigpt-studio

test: $(VENV)/test lint cpp-test web-test programs
	$(BIN)/python -m pytest

nightly: $(VENV)/test lint cpp-test thread-test web-test programs
	$(BIN)/python -m pytest -m "nightly or not nightly"

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

cpp-test:
	cmake -S core/cpp -B build/sanitize -DMIDIGPT_PYTHON=OFF -DMIDIGPT_TESTS=ON -DMIDIGPT_SANITIZE=ON
	cmake --build build/sanitize -j $(JOBS)
	ctest --test-dir build/sanitize --output-on-failure

# ThreadSanitizer: the thread pool, loops that join and leave, cancellation by another thread.
thread-test:
	cmake -S core/cpp -B build/sanitize-threads -DMIDIGPT_PYTHON=OFF -DMIDIGPT_TESTS=ON -DMIDIGPT_SANITIZE_THREADS=ON
	cmake --build build/sanitize-threads -j $(JOBS)
	ctest --test-dir build/sanitize-threads --output-on-failure

# Programs that the tests drive: SuperCollider, Pure Data, Chromium; skipped where they cannot be had.
programs:
	tests/programs.sh

# The page of the studio: sources in studio/web, built into studio/midigpt_studio/static, which is committed.
WEB := studio/web
STATIC := studio/midigpt_studio/static

web: $(WEB)/node_modules
	cd $(WEB) && npm run build

# Types, unit tests, and that the committed page is what the sources give, byte for byte.
web-test:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web-compare; \
	else echo "web-test: skipped, npm is not installed"; fi

web-compare: $(WEB)/node_modules
	cd $(WEB) && npm run check && npm test && npx vite build --outDir $(CURDIR)/build/static
	diff -r build/static $(STATIC) && echo "the committed page is what the sources give"

$(WEB)/node_modules: $(WEB)/package-lock.json
	cd $(WEB) && npm ci
	touch $@

clean:
	rm -rf build $(VENV)

# The package is rebuilt when anything that goes into the wheel changes.
SOURCES := $(shell find pyproject.toml constraints.txt core server studio/midigpt_studio models soundfonts -type f \
	-not -path '*/__pycache__/*' -not -path '*/.mypy_cache/*' 2>/dev/null)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/live: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt ".[audio]"
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt tinysoundfont
	touch $@

$(VENV)/studio: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt ".[studio]"
	touch $@

$(VENV)/test: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt ".[torch,train,compose,audio,studio,eventlet,test]"
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt tinysoundfont
	touch $@ $(VENV)/live
