# On a machine with nothing but Python: `make demo` shows what it does, `make test` shows that it works.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: venv demo test test-all coverage lint bench docs docs-quick clean
.DELETE_ON_ERROR:

venv: $(VENV)/.installed

demo: $(VENV)/.installed
	rm -rf runs/demo
	$(BIN)/neurosim run lansdell2020/digits --out runs/demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The last -m wins over the one in setup.cfg. Programs are compiled as users' are.
test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m "slow or not slow" --optimised

# Prints which lines of the package the tests run, and the share of all.
coverage: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

# Warnings are errors. The site is build/docs/index.html.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -b html -W --keep-going docs build/docs

# The same without running the notebooks.
docs-quick: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -b html -W --keep-going -D nb_execution_mode=off docs build/docs-quick

clean:
	rm -rf $(VENV) build dist *.egg-info

# One stamp per extra: installed again only when the requirements change.
$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.made
	@echo "installs neurosim and what it needs into $(VENV), some hundred megabytes once: minutes"
	$(BIN)/python -m pip install --editable .
	touch $@

$(VENV)/.installed-%: pyproject.toml | $(VENV)/.made
	@echo "installs neurosim with what '$*' needs into $(VENV), some hundred megabytes once: minutes"
	$(BIN)/python -m pip install --editable ".[$*]"
	touch $@
