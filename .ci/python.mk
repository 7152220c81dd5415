# The verbs that every Python folder has. A folder's Makefile names the verbs that it has itself in OWN_VERBS, includes this,
# and adds them; the others of the root's verbs are handed to the root, so that each verb works in each folder.
include $(dir $(lastword $(MAKEFILE_LIST)))verbs.mk

PYTEST_ARGS ?=

.PHONY: setup test check clean
setup: ## Install the pinned packages and all members into .venv at the root
	@$(MAKE) -C $(ROOT) python

test: setup ## Run this folder's tests (PYTEST_ARGS="-k name" for some of them)
	$(BIN)/pytest $(PYTEST_ARGS)

check: setup ## Check this folder's format, style and types
	cd $(ROOT) && .ci/check-python $(CURDIR)

clean: ## Remove what the verbs made here
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .pytest_cache .hypothesis dist

OWN_VERBS ?=
HANDED_ON := $(filter-out $(OWN_VERBS),demo serve conformance bench generate)
.PHONY: $(HANDED_ON)
$(HANDED_ON):
	@$(MAKE) -C $(ROOT) $@
