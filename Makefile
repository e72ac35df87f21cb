# make run    install into .venv, then print what this machine's QEMU can give a guest
# make test   all tests
# make check  what .ci/run checks: style, types, imports, tests
# make generated  the documents, the list of codes and the index of the table, from the source
# make bench  the benchmarks
# make docs   the documentation as a website, in build/site
# make package  wheel and source archive, checked, in dist
# make deb    Debian package for the release of Debian that this runs on, in dist
# make nova   install OpenStack's Nova into .venv-nova, for the test in which it asks domcaps
# make test-lowest  all tests, with the lowest releases of packages that pyproject.toml permits
# make coverage  the tests, and which branches of the table and of the CPU models they reach
# make mutation  planted defects in the table's predicates, and who notices them (slow)

PYTHON ?= python3
# workers that are done take tests from those that are not: some files take minutes
PYTEST_ARGS ?= -n auto --dist worksteal
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check lint types generated bench coverage mutation clean lock lowest test-lowest nova docs package deb

# the report goes to standard output, all else to standard error: make run >capabilities.xml
run: $(VENV)/.installed
	@$(BIN)/domcaps report --shipped
	@printf '%s\n' '' \
	  'domcaps is installed: $(BIN)/domcaps. Put it on the search path of this shell, and try a domain:' \
	  '  export PATH="$(CURDIR)/$(BIN):$$PATH"' \
	  '  domcaps validate --host shipped:debian13-x86_64 examples/windows11.xml' \
	  '  domcaps --help' >&2

test: $(VENV)/.developing
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types test

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pylint src/domcaps

types: $(VENV)/.developing
	$(BIN)/mypy

generated: $(VENV)/.developing
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/freeze_codes.py
	$(BIN)/python tools/index_table.py

# the whole is measured once, and each of the two has to reach the threshold by itself
COVERED := tests/unit tests/properties tests/conformance
BRANCHES := 95
coverage: $(VENV)/.developing
	$(BIN)/python -m pytest -q $(PYTEST_ARGS) $(COVERED) --cov=domcaps --cov-branch --cov-report=json
	$(BIN)/python tools/branch_coverage.py coverage.json $(BRANCHES) elements cpu

# recorded cases, where there are some; both parts are run, and either may fail
DOMCAPS_CONFORMANCE ?= $(abspath ../shared/conformance)
RECORDED_CASES = $(wildcard $(DOMCAPS_CONFORMANCE))
mutation: $(VENV)/.developing
	$(BIN)/pip install -q --disable-pip-version-check cosmic-ray==8.7.0
	$(BIN)/python tools/mutate_table.py $(RECORDED_CASES); failed=$$?; \
	  $(BIN)/python tools/mutate_source.py $(RECORDED_CASES) && exit $$failed

bench: $(VENV)/.developing
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/probe.py

# Debian keeps what "python3 -m venv" needs in a package of its own
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && echo "installing python3-venv" >&2 && apt-get update -qq \
	       && apt-get install -qq -y python3-venv >/dev/null; } \
	  || { echo "python3-venv is missing: install it (apt-get install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

# A lock names every package with its hashes. pip must not look for what these packages need:
# pip before 24 finds newer releases than the pinned ones for extras, and then refuses them.
LOCKED := install -q --disable-pip-version-check --no-deps --require-hashes

$(VENV)/.installed: pyproject.toml requirements.lock requirements-build.lock | $(BIN)/python
	@echo "installing domcaps into $(VENV)" >&2
	@$(BIN)/pip $(LOCKED) -r requirements.lock -r requirements-build.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src/domcaps
	@touch $@

$(VENV)/.developing: $(VENV)/.installed requirements-dev.lock
	@echo "installing what the tests need into $(VENV)" >&2
	@$(BIN)/pip $(LOCKED) -r requirements-dev.lock
	@touch $@

# what builds and checks a release and its documentation, beside what the tests need
$(VENV)/.releasing: $(VENV)/.installed requirements-release.lock
	@echo "installing what a release needs into $(VENV)" >&2
	@$(BIN)/pip $(LOCKED) -r requirements-release.lock
	@touch $@

docs: $(VENV)/.releasing
	$(BIN)/python tools/make_site.py build/site

package: $(VENV)/.releasing
	rm -rf dist/*.whl dist/*.tar.gz
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/python tools/check_package.py dist

deb:
	packaging/build-deb dist

# OpenStack's Nova, apart from all else: it asks domcaps in tests/live/test_serve_clients.py. Its
# Python is the system's, for which there are libvirt's bindings
NOVA := .venv-nova
SYSTEM_PYTHON ?= /usr/bin/python3
nova: $(NOVA)/.installed
$(NOVA)/.installed: requirements-nova.lock
	@$(SYSTEM_PYTHON) -m venv $(NOVA)
	@$(NOVA)/bin/pip $(LOCKED) --no-compile -r requirements-nova.lock
	@touch $@

# uv writes locks for every Python from the oldest on, with extras and hashes
LOCKING := .venv-lock
COMPILE = $(LOCKING)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate --custom-compile-command "make lock"
lock:
	@$(PYTHON) -m venv $(LOCKING)
	@$(LOCKING)/bin/pip install -q --disable-pip-version-check uv
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra release -c requirements-dev.lock -o requirements-release.lock
	$(COMPILE) requirements-build.in -c requirements-dev.lock -o requirements-build.lock
	$(COMPILE) requirements-nova.in -o requirements-nova.lock

# the lowest release of every package that pyproject.toml permits
lowest:
	@$(PYTHON) -m venv $(LOCKING)
	@$(LOCKING)/bin/pip install -q --disable-pip-version-check uv
	@$(LOCKING)/bin/uv pip compile -q --python-version 3.11 --resolution lowest-direct --extra dev --no-annotate --no-header pyproject.toml -o requirements-lowest.txt

# in an environment of its own: what the index has there is not pinned by a lock
LOWEST := .venv-lowest
test-lowest: lowest
	@$(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/pip install -q --disable-pip-version-check --no-deps -r requirements-lowest.txt
	@$(LOWEST)/bin/pip install -q --disable-pip-version-check --no-deps -e .
	$(LOWEST)/bin/python -m pytest $(PYTEST_ARGS)

clean:
	rm -rf $(VENV) $(NOVA) $(LOCKING) $(LOWEST) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
