# The two commands are `make key` and `make test`; both repeat quickly.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(shell find solver problems templates -name '*.py' -o -name '*.toml' -o -name '*.tex' -o -name '*.html' -o -name '*.css' -o -name '*.npz') cli.py setup.cfg pyproject.toml
NAMES := $(patsubst problems/%.toml,%,$(wildcard problems/*.toml))

.PHONY: key test check bench bench-conv conformance clean

key: build/keys/.done

# Installed as a user would have it: not editable, so that what is shipped is what is run.
$(VENV)/.installed: $(SOURCES)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check . \
	  || { echo "installation failed: Python 3.10 or later with venv and pip is needed"; exit 1; }
	@touch $@

$(VENV)/.dev: setup.cfg pyproject.toml $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[dev,cluster]'
	@touch $@

build/keys/.done: $(VENV)/.installed
	@for what in key sheet guide; do \
	  $(BIN)/pset $$what $(NAMES) --format tex,html --out build/keys || exit 1; \
	  if command -v pdflatex >/dev/null; then \
	    $(BIN)/pset $$what $(NAMES) --format pdf --out build/keys || exit 1; fi; \
	done
	@command -v pdflatex >/dev/null || echo "No PDF: pdflatex is not installed. On Debian: apt-get install texlive-latex-recommended texlive-pictures lmodern"
	@touch $@

test: $(VENV)/.dev
	@$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

check: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# make conformance CORPORA=DIR, SETS=DIR, SUBMISSIONS=DIR, JSON=FILE: against measured cases kept elsewhere
conformance: $(VENV)/.dev
	@$(BIN)/python -c "import yaml" 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check '.[conformance]'
	@$(BIN)/python -m tests.conformance $(if $(CORPORA),--corpora $(CORPORA)) $(if $(SETS),--sets $(SETS)) $(if $(SUBMISSIONS),--submissions $(SUBMISSIONS)) $(if $(JSON),--json $(JSON))

# make bench CORPORA=DIR: derivation beside SymPy's diff as well
bench: $(VENV)/.installed
	@$(BIN)/python -m tests.bench $(if $(CORPORA),--corpora $(CORPORA)) $(if $(JSON),--json $(JSON))
	@$(BIN)/python -m tests.bench_marking --large

# make bench-conv JSON=FILE THREADS=1,2: convolutions beside PyTorch's, if it was installed
# into .venv (pip install '.[torch]'); nothing else needs it
bench-conv: $(VENV)/.installed
	@$(BIN)/python -m tests.bench_convolution $(if $(THREADS),--threads $(THREADS)) $(if $(JSON),--json $(JSON))

clean:
	@rm -rf build $(VENV)
