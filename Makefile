# make demo       install into .venv and run the whole thing on real input, offline
# make test       install the development tools and run the quick tests: no torch, nothing over 2 seconds
# make test-all   install the optional extras as well, torch among them, and run every test; some need npm
# make lint       ruff and pyright
# make docs       write the generated parts of the documentation and .env.example
# make picture    draw the picture of README.md from a run of the demo
# make clean      delete .venv and everything that was built
# Needs Python 3.11 or newer, pip and make. uv is used if it is installed.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
NPM := $(shell command -v npm 2>/dev/null)

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(1)/bin/python
NEW_VENV = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(1)
else
INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
NEW_VENV = $(PYTHON) -m venv $(1)
endif

# Any version works. This is the one that the tests last ran with; TORCH=torch installs the newest that the index has.
TORCH ?= torch==2.13.0

.PHONY: demo test test-all lint docs picture clean

demo: $(VENV)/.base
	@$(BIN)/resift demo

test: $(VENV)/.dev
	@echo "Running the quick tests ..."
	@$(BIN)/pytest -n $(JOBS) --dist worksteal -m 'not slow and not torch'

test-all: $(VENV)/.all $(VENV)/sdk1/.installed $(VENV)/node/.installed
	@echo "Running all tests ..."
	@$(BIN)/pytest -n $(JOBS) --dist worksteal

# Without torch, the modules that import it cannot be type-checked; pyright-without-torch.json lists them.
lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@if [ -e $(VENV)/.all ]; then $(BIN)/pyright; else \
		echo "pyright skips the modules that import torch. To check them too, run 'make test-all' first."; \
		$(BIN)/pyright -p pyright-without-torch.json; fi

docs: $(VENV)/.dev
	@$(BIN)/python docs/generate.py

picture: $(VENV)/.dev
	@$(BIN)/python docs/search_picture.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@echo "Creating $(VENV) ..."
	@$(call NEW_VENV,$(VENV))

$(VENV)/.base: pyproject.toml | $(BIN)/python
	@echo "Installing Resift into $(VENV) (a minute or two the first time) ..."
	@$(call INSTALL,$(VENV)) -e .
	@touch $@

# pyright cannot follow editable installs, so it finds the package through a link.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing Resift with its development tools into $(VENV) ..."
	@$(call INSTALL,$(VENV)) -e '.[dev]'
	@mkdir -p $(VENV)/typing && ln -sfn ../.. $(VENV)/typing/resift
	@touch $@ $(VENV)/.base

$(VENV)/.all: pyproject.toml $(VENV)/.dev
	@echo "Installing torch and the other extras into $(VENV) ..."
	@$(call INSTALL,$(VENV)) -e '.[dev,torch,train,eval,clients,otel,code,ocr,ray]' '$(TORCH)'
	@touch $@

# The last client of the SDK's first generation, in an environment of its own, for the test that speaks to it.
$(VENV)/sdk1/.installed: | $(BIN)/python
	@echo "Installing the MCP SDK 1.30 into $(VENV)/sdk1 ..."
	@$(call NEW_VENV,$(VENV)/sdk1)
	@$(call INSTALL,$(VENV)/sdk1) 'mcp>=1.30,<1.31'
	@touch $@

# The conformance suite of MCP and the MCP inspector, with the Node.js that runs them. Without npm, their tests are skipped.
$(VENV)/node/.installed: tests/conformance/package.json tests/conformance/package-lock.json | $(BIN)/python
ifdef NPM
	@echo "Installing the MCP conformance suite and inspector into $(VENV)/node ..."
	@mkdir -p $(@D) && cp tests/conformance/package.json tests/conformance/package-lock.json tests/conformance/.npmrc $(@D)
	@cd $(@D) && $(NPM) ci --loglevel=error
	@touch $@
else
	@echo "npm is not installed, so the tests in tests/conformance will be skipped. To run them too, install Node.js with npm."
endif
