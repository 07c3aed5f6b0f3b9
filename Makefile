# make demo   install into .venv and run the whole thing on real input, offline
# make test   install with the development tools and run the tests
# make lint   ruff and pyright
# make docs   write the generated parts of README.md and .env.example anew
# Needs Python 3.11 or newer, pip and make; uv is used where it is there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(1)/bin/python
NEW_VENV = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(1)
else
INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
NEW_VENV = $(PYTHON) -m venv $(1)
endif

.PHONY: demo test lint docs clean

demo: $(VENV)/.base
	@$(BIN)/resift demo

test: $(VENV)/.dev $(VENV)/sdk1/.installed
	@echo "Running the tests ..."
	@$(BIN)/pytest

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

docs: $(VENV)/.dev
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@echo "Creating $(VENV) ..."
	@$(call NEW_VENV,$(VENV))

$(VENV)/.base: pyproject.toml | $(BIN)/python
	@echo "Installing Resift into $(VENV) (a minute or two the first time) ..."
	@$(call INSTALL,$(VENV)) -e .
	@touch $@

# Any torch does; this is the one the tests last ran with. TORCH=torch takes what the index holds.
TORCH ?= torch==2.13.0

# pyright cannot follow editable installs, so it finds the package through a link.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing Resift with its development tools into $(VENV) ..."
	@$(call INSTALL,$(VENV)) -e '.[dev,train,eval]' '$(TORCH)'
	@mkdir -p $(VENV)/typing && ln -sfn ../.. $(VENV)/typing/resift
	@touch $@ $(VENV)/.base

# The last client of the SDK's first generation, in an environment of its own, for the test that speaks to it.
$(VENV)/sdk1/.installed: | $(BIN)/python
	@echo "Installing the MCP SDK 1.30 into $(VENV)/sdk1 ..."
	@$(call NEW_VENV,$(VENV)/sdk1)
	@$(call INSTALL,$(VENV)/sdk1) 'mcp>=1.30,<1.31'
	@touch $@
