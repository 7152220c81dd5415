# The verbs that every Python folder has. A folder's Makefile includes this and adds its own.
include $(dir $(lastword $(MAKEFILE_LIST)))verbs.mk

PYTEST_ARGS ?=

.PHONY: setup test check clean
setup: ## Install the pinned packages and all members into .venv at the root
	@$(MAKE) -C $(ROOT) setup

test: setup ## Run this folder's tests (PYTEST_ARGS="-k name" for some of them)
	$(BIN)/pytest $(PYTEST_ARGS)

check: setup ## Check this folder's format, style and types
	cd $(ROOT) && .ci/check-python $(CURDIR)

clean: ## Remove what the verbs made here
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .pytest_cache .hypothesis dist
