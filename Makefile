# The commands of the project. `make` alone sets everything up and runs the default experiment.
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
PIP_OPTIONS ?=
BIN := $(VENV)/bin
# one process for each core; a file of tests stays in one, the long ones begin
WORKERS := -n auto --dist loadfile --no-loadscope-reorder
LOCKS := requirements.lock tests/interchange.txt pyproject.toml
READY := $(VENV)/ready-$(shell cat $(LOCKS) | cksum | cut -d' ' -f1)

.DEFAULT_GOAL := run
.PHONY: run smoke smoke-conda smoke-bare baseline spectrum test unit check nightly lint format docs site image wheel refresh clean

run: $(READY)
	$(BIN)/snakemake --cores $(CORES)

smoke: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile config/smoke.yaml

# The same, each rule in the environment of envs/; needs conda.
smoke-conda: $(READY)
	$(BIN)/snakemake --cores $(CORES) --sdm conda --configfile config/smoke.yaml

# The same without conda: the pip section of each environment in one that was empty.
smoke-bare: $(READY)
	$(BIN)/python tests/bare_environments.py $(VENV)-bare $(PIP_OPTIONS)

baseline: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile config/baseline.yaml

# Eight emotions: is their geometry in the models, or in the text?
spectrum: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile config/spectrum.yaml

test: $(READY)
	$(BIN)/python -m pytest $(WORKERS)

unit: $(READY)
	$(BIN)/python -m pytest $(WORKERS) tests/unit

# What takes too long for every change: thousands of new cases for what must end in a result or a
# sentence, all whole designs, and runs on Slurm, in a bucket, in environments and in shards.
NIGHT := $(addprefix tests/unit/test_,properties.py planted_heads.py ablations.py designs.py) \
	$(addprefix tests/rules/test_,many_emotions.py matrix.py slurm.py s3.py conda.py sharded_steering.py)
nightly: $(READY)
	NIGHTLY=1 $(BIN)/python -m pytest -n auto --dist worksteal $(NIGHT)

# Whether the tables and exported files of a results folder are those that its run made.
RESULTS ?= results/default
check: $(READY)
	$(BIN)/python -m emovec.report.provenance $(RESULTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# The table of all keys in config/README.md, from the schema.
docs: $(READY)
	$(BIN)/python tests/key_table.py

# The documentation as a site, from what is committed, in build/site; with a sample report.
site: smoke
	rm -rf build/pages
	mkdir -p build/pages
	git archive HEAD | tar -x -C build/pages
	cp results/smoke/report.html build/pages/sample.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# The container image of the workflow, and a smoke run in it; needs docker, or podman (ENGINE=podman).
ENGINE ?= docker
image:
	$(ENGINE) build --tag emovec .
	$(ENGINE) run --rm emovec --cores all --configfile /emovec/config/smoke.yaml

# The library alone, in dist/.
wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

# Every pin anew, in the lock and in envs/.
refresh: $(READY)
	$(BIN)/python envs/refresh.py

# What Snakemake and pip wrote here; models and results stay.
clean:
	rm -rf $(VENV) $(VENV)-bare build dist .snakemake .pytest_cache .ruff_cache logs

$(READY): $(LOCKS)
	@echo "Setting up $(VENV) with the packages of requirements.lock: some minutes and gigabytes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/interchange.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
