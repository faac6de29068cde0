# The commands of the project. Each sets up what it needs: a virtual environment in .venv, and the project in it.
# A stamp file per set of requirements keeps a second call from installing again until setup.py changes.

PYTHON ?= python3
WORKERS ?= auto
VENV := .venv
PY := $(VENV)/bin/python
BENCHMARKS := reddit stackexchange wikipedia s2orc commoncrawl local_runner perplexity
PIP := $(PY) -m pip install --disable-pip-version-check --no-input --quiet

# The job server that the Flink tests start; without one they are skipped.
CCPAIRS_FLINK_JAR ?= $(abspath $(firstword $(wildcard ../shared/flink/*job-server*.jar)))
export CCPAIRS_FLINK_JAR

.DELETE_ON_ERROR:
.PHONY: help demo test lint types test-flink bench kenlm clean

help:
	@echo "make demo        build pairs of all sources from the built-in sample dumps and show five of each"
	@echo "make test        run the tests (WORKERS=$(WORKERS) processes)"
	@echo "make lint        check style and format with ruff"
	@echo "make types       check types with mypy"
	@echo "make test-flink  run the sources on an embedded Flink (Java, and a job server jar in CCPAIRS_FLINK_JAR)"
	@echo "make bench       run the measurements in benchmarks/"
	@echo "make kenlm       build lmplz and build_binary, with which 'ccpairs lm train' trains language models"
	@echo "make clean       remove the virtual environment, the demo's output and caches"
	@echo "PYTHON=$(PYTHON) is the Python (3.11 or later) that .venv is made with."

demo: $(VENV)/installed-run
	$(PY) -m ccpairs.build --source all --output demo-output --show-pairs 5

test: $(VENV)/installed-test
	$(PY) -m pytest -n $(WORKERS) -m "not flink"

lint: $(VENV)/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/installed-dev
	$(PY) -m mypy

# Beam starts plain `python` for its workers, so the virtual environment's comes first in PATH.
test-flink: $(VENV)/installed-test
ifeq ($(CCPAIRS_FLINK_JAR),)
	@echo "test-flink: skipped, for there is no job server jar: set CCPAIRS_FLINK_JAR to one (Beam's, for Flink 1.19 or later)"
else
	@command -v java >/dev/null || { echo "test-flink: Java (11 or 17) is missing; on Debian: apt-get install openjdk-17-jre-headless" >&2; exit 1; }
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m pytest tests/flink -m flink
endif

bench: $(VENV)/installed-bench
	@for name in $(BENCHMARKS); do echo "== $$name"; $(PY) -m "benchmarks.$$name" || exit 1; done

kenlm: .kenlm/bin/lmplz

.kenlm/bin/lmplz: scripts/build-kenlm | $(VENV)/made
	PYTHON=$(PY) scripts/build-kenlm .kenlm

clean:
	rm -rf $(VENV) .kenlm demo-output build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ccpairs needs Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed-run: EXTRAS :=
$(VENV)/installed-test: EXTRAS := [test]
$(VENV)/installed-dev: EXTRAS := [dev]
$(VENV)/installed-bench: EXTRAS := [test,bench]

# Editable, so that what runs is always what stands in the checkout.
$(VENV)/installed-%: setup.py | $(VENV)/made
	@echo "installing ccpairs$(EXTRAS) into $(VENV) (some minutes the first time)"
	@$(PIP) --editable '.$(EXTRAS)' || \
	  { echo "ccpairs could not be installed: the lines above say why (no network? a proxy? an unusual Python?); then run make again" >&2; exit 1; }
	@touch $@
