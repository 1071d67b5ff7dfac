# Every target does its own set-up; the stamps make later runs start at once. PYTHON=… names another Python.
# The demo needs little, everything else all that tests and checks need.
VENV := .venv
DEMO := $(VENV)/.demo
READY := $(VENV)/.ready
NEEDS := setup.py packages/omero-sandbox/pyproject.toml tools/set-up tools/build_zeroc_ice.py
PYTHON_VENV := $(VENV)/bin/python
JOBS ?= 2
RUNS ?= 20000
TESTS ?= tests/integration

.PHONY: check demo test test-servers coverage soak fuzz lint format types docs clean help
help:
	@echo "make check   all checks: style, types, tests"
	@echo "make demo    pack and unpack between two servers in Python, on this machine"
	@echo "make test    run the tests"
	@echo "make test-servers   run those for any server on OMERO_TEST_SOURCE and OMERO_TEST_TARGET, or on two sandboxes"
	@echo "make coverage  run the tests and print which lines they reach"
	@echo "make soak    run the long tests with many objects"
	@echo "make fuzz    give RUNS damaged inputs to every parser, guided by what they reach"
	@echo "make lint    check style and formatting;  make format: format;  make types: check annotations"
	@echo "make docs    write the documentation into docs/_build"
	@echo "make clean   remove the environment and all that was built"

$(DEMO): $(NEEDS)
	@tools/set-up $(VENV) demo
	@touch $@

$(READY): $(NEEDS)
	@tools/set-up $(VENV) dev
	@touch $(DEMO) $@

demo: $(DEMO)
	@$(PYTHON_VENV) -m demo

check:
	@.ci/run

test: $(READY)
	$(PYTHON_VENV) -m pytest -n $(JOBS)

# A real server may take minutes for what a sandbox does in a second.
test-servers: $(READY)
	$(PYTHON_VENV) -m pytest -n $(JOBS) -m "not sandbox and not soak" --timeout 7200 -o faulthandler_timeout=7200 \
		$(TESTS)

# With COVERAGE_CORE=sysmon it costs little on Python 3.12 and newer; the settings are in pyproject.toml.
coverage: $(READY)
	$(PYTHON_VENV) -m pytest -n $(JOBS) --cov --cov-report=term:skip-covered

soak: $(READY)
	$(PYTHON_VENV) -m pytest -m soak --timeout 7200

fuzz: $(READY)
	@tools/set-up $(VENV) fuzz
	$(PYTHON_VENV) -m tests.fuzz $(RUNS)

lint: $(READY)
	$(PYTHON_VENV) -m ruff check
	$(PYTHON_VENV) -m ruff format --check

format: $(READY)
	$(PYTHON_VENV) -m ruff check --fix
	$(PYTHON_VENV) -m ruff format

types: $(READY)
	$(PYTHON_VENV) -m mypy

docs: $(READY)
	$(PYTHON_VENV) -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find omero_rocrate_transfer omero packages demo tests -name __pycache__ -type d -prune -exec rm -rf {} +
