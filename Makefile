# RockQueue: the verbs of the whole repository. The folders have the same verbs for themselves: make -C server-python help
include .ci/verbs.mk

MEMBERS := sdk-python server-python server-python/torture conformance-tests examples/email-python benchmarks
# Folders in other languages: they set themselves up, and check and generate for themselves.
SDKS := sdk-node sdk-go
DRIVERS := conformance-tests/drivers/node conformance-tests/drivers/go
EXAMPLES := examples/email-node examples/email-go examples/shared-server
STORE ?= ./jobs.db
PYTHON ?=
UPGRADE ?=
AGAINST ?=
export PYTHON UPGRADE AGAINST

.PHONY: setup python demo serve test check conformance bench bench-quick torture generate pins toolchain clean
setup: python ## Install all that is needed, Python's packages into .venv; what is there is kept
	@for folder in $(SDKS); do $(MAKE) -C $$folder setup; done

python: .venv/.complete

.venv/.complete: Makefile requirements.txt .ci/setup .ci/pins/uv.txt pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@.ci/setup $(MEMBERS)
	@touch $@

demo: python ## Watch mails survive a kill -9 of the program that sends them
	@$(MAKE) -C examples/email-python demo

serve: python ## Serve the store STORE (./jobs.db) on 127.0.0.1:7655
	$(BIN)/rockqueue serve $(STORE)

test: python ## Run every suite: unit tests, conformance, demo; the last line sums them up
	@$(BIN)/python .ci/suites.py

check: python ## Check style, types, contract, generated code, pins, README; change nothing
	.ci/check-python
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf lint
	.ci/breaking
	$(BIN)/python .ci/generate.py --check
	.ci/pin --check $(MEMBERS)
	$(BIN)/python .ci/sdk_readmes.py
	$(BIN)/python .ci/check_readme.py
	$(BIN)/python .ci/check_leaks.py
	@for folder in $(SDKS) $(DRIVERS) $(EXAMPLES); do echo "check $$folder"; $(MAKE) -C $$folder check; done
	@echo "check benchmarks"; $(MAKE) -C benchmarks check-loads

conformance: python ## Prove the server and the SDKs against the contract: all conformance cases (SDK=go: one SDK)
	@$(MAKE) -C conformance-tests conformance

bench: python ## Measure throughput and latency beside their budgets
	@$(MAKE) -C benchmarks bench

bench-quick: python ## Measure the short rows, in less than a minute; the last line is one JSON object
	@$(MAKE) -C benchmarks bench-quick

torture: python ## Kill, cut, starve and flood real servers for minutes, and check that nothing acknowledged is lost
	@$(MAKE) -C server-python/torture torture

generate: python ## Write what is made from other files: code from proto/, the SDKs' READMEs, code blocks of documents
	@$(BIN)/python .ci/generate.py
	@for folder in $(SDKS) $(DRIVERS); do $(MAKE) -C $$folder generate; done
	@$(BIN)/python .ci/sdk_readmes.py --write
	@$(BIN)/python .ci/check_readme.py --write

pins: ## Write the pins anew after a change of dependencies (UPGRADE=1 takes newer versions)
	.ci/pin $(MEMBERS)

# For the folders that need Go or Node.js: says which ones are used, and fetches those that the machine lacks.
toolchain:
	@.ci/toolchain go >/dev/null
	@.ci/toolchain node >/dev/null

clean: ## Remove everything that setup, tests and builds made
	for folder in $(SDKS) $(DRIVERS) $(EXAMPLES); do $(MAKE) -C $$folder clean; done
	$(MAKE) -C benchmarks clean-loads
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .pytest_cache -type d -prune -exec rm -rf {} +
	rm -rf .venv .build .ruff_cache .pytest_cache .hypothesis */.hypothesis
