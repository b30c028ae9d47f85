# make demo    solve and simulate signSGD, clipped SGD and SGD on one problem; draw both
# make test    the everyday suite
# make test-slow   statistics with fixed seeds, the built wheel; make test-long   whole grids
# make notebooks   run the notebooks and keep them with their outputs
# make docs    the documentation as a folder that opens without a server: out/docs/index.html
# make bench   side by side with other libraries, in an environment of its own (6 minutes)
#              BENCH=--quick or BENCH='--only ode,sde'; torch and torchsde join if installed there
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow test-long notebooks docs bench lint clean

demo: .venv/installed
	$(BIN)/limitlab run examples/quickstart.toml

test: .venv/installed
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

test-slow: .venv/documented
	$(BIN)/python -m pytest -q -m 'slow and not long' -n 2 --dist loadfile
	LIMITLAB_TEST_COMPILED=1 $(BIN)/python -m pytest -q -m 'interpreted and not slow' -n 2 --dist loadfile

test-long: .venv/installed
	$(BIN)/python -m pytest -q -m long -n 2 --dist loadscope

notebooks: .venv/installed
	$(BIN)/python notebooks/keep.py

docs: .venv/documented
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs out/docs
	@echo 'open out/docs/index.html'

bench: .venv-bench/installed
	.venv-bench/bin/python -m benchmarks $(BENCH)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'limitlab needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)'; \
	  exit 1; }
	@echo 'installing into .venv (once; a few minutes) ...'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test,data]'
	@touch $@

.venv/documented: .venv/installed
	@echo 'installing what documentation and explorer need (once; a minute) ...'
	$(BIN)/python -m pip install --quiet --editable '.[test,data,docs,explore,browser]'
	@touch $@

.venv-bench/installed: pyproject.toml
	@echo 'installing into .venv-bench (once; a few minutes) ...'
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable '.[bench]'
	@touch $@

clean:
	rm -rf .venv .venv-bench build dist out *.egg-info
