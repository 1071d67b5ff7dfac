# Every target does its own set-up; the stamps make later runs start at once. PYTHON=… names another Python.
# The demo needs little, everything else all that tests and checks need.
VENV := .venv
DEMO := $(VENV)/.demo
READY := $(VENV)/.ready
NEEDS := setup.py packages/omero-sandbox/pyproject.toml tools/set-up tools/build_zeroc_ice.py
PYTHON_VENV := $(VENV)/bin/python
JOBS ?= 2
RUNS ?= 20000

.PHONY: demo test soak fuzz lint types docs clean help
help:
	@echo "make demo    pack and unpack between two servers in Python, on this machine"
	@echo "make test    run the tests"
	@echo "make soak    run the long tests with many objects"
	@echo "make fuzz    give RUNS damaged inputs to every parser, guided by what they reach"
	@echo "make lint    check style and formatting;  make types: check annotations"
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

test: $(READY)
	$(PYTHON_VENV) -m pytest -n $(JOBS)

soak: $(READY)
	$(PYTHON_VENV) -m pytest -m soak --timeout 7200

fuzz: $(READY)
	@tools/set-up $(VENV) fuzz
	$(PYTHON_VENV) -m tests.fuzz $(RUNS)

lint: $(READY)
	$(PYTHON_VENV) -m ruff check
	$(PYTHON_VENV) -m ruff format --check

types: $(READY)
	$(PYTHON_VENV) -m mypy

docs: $(READY)
	$(PYTHON_VENV) -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find omero_rocrate_transfer omero packages demo tests -name __pycache__ -type d -prune -exec rm -rf {} +
