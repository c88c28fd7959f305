# Every command sets up what it needs; `make demo` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE # what is compiled once need not be by each of the processes that the tests start

.PHONY: help install install-dev install-export install-s3 install-ray system demo serve test test-components quick coverage lint frontend clean

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# Only files whose sha256 stands in a lock, and only wheels, but for FrEIA, which comes as source.
HASHED := --quiet --require-hashes --no-build-isolation --only-binary :all: --no-binary FrEIA

$(VENV)/installed: requirements-build.lock requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(HASHED) -r requirements-build.lock
	$(BIN)/pip install $(HASHED) -r requirements.lock
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/installed-%: $(VENV)/installed requirements-%.lock
	$(BIN)/pip install $(HASHED) -r requirements-$*.lock
	@touch $@

app/frontend/node_modules/installed: app/frontend/package-lock.json
	cd app/frontend && npm ci --no-audit --no-fund
	@touch $@

install: $(VENV)/installed ## the environment that the product runs in
install-dev: $(VENV)/installed-dev ## and what the tests need
install-export: $(VENV)/installed-export ## and what writes ONNX and OpenVINO
install-s3: $(VENV)/installed-s3 ## and objects in a bucket
install-ray: $(VENV)/installed-ray ## and what hands large scoring requests to a Ray cluster

system: ## Chromium, PostgreSQL and Caddy for the tests, where this user may install them
	@sh tests/system.sh

demo: install ## a small project with synthetic parts, trained and served: PORT=8700 make demo
	BGAD_HOME=$${BGAD_HOME:-demo-data} BGAD_PORT=$(PORT) $(BIN)/bgad-inspect demo

serve: install ## web server and worker on this machine's data
	BGAD_PORT=$(PORT) $(BIN)/bgad-inspect serve

# The order is random; a run prints its seed, and ARGS=--randomly-seed=7 gives that order again.
PROCESSES ?= 3
PYTEST = TMPDIR=$${TMPDIR:-$$(sh tests/memory.sh)} $(BIN)/python -m pytest
SIDE_BY_SIDE = -n $(PROCESSES) --dist loadscope $(ARGS)

test: install-dev system lint test-components ## everything, the browser journeys with it; with -j 2 what comes first side by side
	$(PYTEST) tests $(SIDE_BY_SIDE)

test-components: app/frontend/node_modules/installed ## vitest on the components
	cd app/frontend && npm test

quick: install-dev ## the quick part of the suite
	$(PYTEST) tests $(SIDE_BY_SIDE) -m "not slow"

BASE ?= main
coverage: install-dev system ## everything with its coverage, and which of the lines changed since BASE=main no test reaches
	$(PYTEST) tests $(SIDE_BY_SIDE) --cov=app --cov=bgad_core --cov=storage --cov-report=xml
	$(BIN)/diff-cover coverage.xml --compare-branch=$(BASE)

lint: install-dev app/frontend/node_modules/installed ## ruff, mypy, types of the components, their build against its source
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd app/frontend && npm run --silent check-types && npm run --silent check-build

clean: ## caches and builds; never data
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache app/frontend/node_modules

BGAD_SHARED ?= ../shared
FIGURES_WEIGHTS = $(or $(WEIGHTS),$(BGAD_SHARED)/weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors)
PEERS := .venv-peers
$(PEERS)/installed: requirements-bench.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet -r requirements-bench.txt
	@touch $@

.PHONY: bench-peers
bench-peers: $(PEERS)/installed ## anomalib's PatchCore, PaDiM and CFLOW on our splits: BGAD_SHARED has data and weights
	TQDM_DISABLE=1 $(PEERS)/bin/python -W ignore -m bench.peers $(or $(DATASETS),$(BGAD_SHARED)/data/screw $(BGAD_SHARED)/data/cookie) \
		--weights $(FIGURES_WEIGHTS) \
		--work bench-peers.work --out bench-peers.json

# Without a limit for a test: they last as long as they are asked to.
SOAK = SOAK=1 $(BIN)/python -m pytest -s --timeout 0 -o faulthandler_timeout=0 $(ARGS)

.PHONY: soak soak-jobs soak-cluster soak-shards
soak: install-dev system ## the tests of lost and broken data, and of real parts, in their long form, hours of them
	$(SOAK) tests/app/test_writers.py tests/app/test_label_model.py tests/app/test_backup.py tests/app/test_hostile.py \
		tests/app/test_export_real.py tests/storage/test_killed.py tests/journeys/test_sessions.py tests/journeys/test_screw.py

soak-jobs: install-dev system ## jobs under random kill -9 of worker and web, on both databases: JOBS=20, SEED=0
	BGAD_SOAK_JOBS=$(or $(JOBS),20) BGAD_SOAK_SEED=$(or $(SEED),0) $(SOAK) tests/journeys/test_chaos.py

soak-cluster: install-dev system ## a cluster under random kill -9 of each part: SECONDS=900, KILLS=500, PEOPLE=20, JOBS=12, SEED=0
	BGAD_CLUSTER_SECONDS=$(or $(SECONDS),900) BGAD_CLUSTER_KILLS=$(or $(KILLS),500) BGAD_CLUSTER_PEOPLE=$(or $(PEOPLE),20) \
		BGAD_SOAK_JOBS=$(or $(JOBS),12) BGAD_SOAK_SEED=$(or $(SEED),0) $(SOAK) tests/journeys/test_cluster.py

soak-shards: install-dev ## a large scoring request, by workers and on Ray, with kills on the way: IMAGES=4000
	SHARDED_IMAGES=$(or $(IMAGES),4000) $(SOAK) tests/app/test_shards.py tests/app/test_ray.py -m slow

.PHONY: bench-impact
bench-impact: install ## what flips over 10,000 images, in seconds
	$(BIN)/python -m bench.impact

.PHONY: bench-coverage
bench-coverage: install ## does the false-alarm bound hold over 200 random splits: BGAD_SHARED has data and weights
	$(BIN)/python -m bench.coverage $(or $(DATASET),$(BGAD_SHARED)/data/screw) \
		--weights $(FIGURES_WEIGHTS)

.PHONY: bench-drift
bench-drift: install ## does the drift alarm keep still on retrains without new labels, and speak on a shift of the normals
	$(BIN)/python -m bench.drift

.PHONY: bench-queue
bench-queue: install ## the labelling queue at 10,000 and 1,000,000 images, on this machine
	$(BIN)/python -m bench.queue

.PHONY: bench-training
bench-training: install ## feature vectors a second of a training step, over the plain FrEIA loop: ROUNDS=40 for more, DEVICE=cuda
	$(BIN)/python -m bench.training --rounds $(or $(ROUNDS),12) --device $(or $(DEVICE),cpu)

.PHONY: bench-category
bench-category: install ## on a GPU: the paper's whole schedule on screw, and the product's retrain
	$(BIN)/python -m bench.category $(or $(DATASET),$(BGAD_SHARED)/data/screw) --weights $(FIGURES_WEIGHTS) --device $(or $(DEVICE),cuda)

.PHONY: bench-gesture
bench-gesture: install-dev ## one click on 20 screw defects in a browser, against the ground truth: GESTURE_HOME keeps its model
	$(BIN)/python -m bench.gesture --shared $(BGAD_SHARED) --home $(or $(GESTURE_HOME),bench-gesture.home)

.PHONY: bench-ink
bench-ink: install-dev ## from the pointer to the ink on 4 megapixels: our code alone, then a browser's trace
	cd app/frontend && npm run --silent bench
	$(BIN)/python -m bench.ink

.PHONY: bench-serve
bench-serve: install-dev $(PEERS)/installed ## latency of a bundle beside anomalib's OpenVINO inferencer: BUNDLE=screw.bgad
	$(BIN)/python -m bench.serve $(or $(DATASETS),$(BGAD_SHARED)/data/screw) --bundle $(or $(BUNDLE),screw.bgad) \
		--weights $(FIGURES_WEIGHTS) \
		--peers $(PEERS)/bin/python

.PHONY: bench-scoring
bench-scoring: install ## images a second, files in and maps out, over the same model through eager FrEIA: ROUNDS=10 for more
	$(BIN)/python -m bench.scoring $(or $(IMAGES),$(BGAD_SHARED)/data/screw/train/good) --weights $(FIGURES_WEIGHTS) --rounds $(or $(ROUNDS),5)

.PHONY: bench-memory
bench-memory: install ## memory of training and scoring COUNT images (50,000) and a quarter of them: COUNT=2000 for its slope in minutes
	$(BIN)/python -m bench.memory --count $(or $(COUNT),50000)

.PHONY: bench-labels
bench-labels: install ## how many labels the queue needs for what 40 by lot reach: ARGS="--seeds 0 --rules random mixed" for less
	$(BIN)/python -m bench.labels --shared $(BGAD_SHARED) $(ARGS)

.PHONY: bench-scale
bench-scale: install-dev system ## growth of the queue's, gallery's and polls' reads on PostgreSQL: ROWS=10000000 for more
	$(BIN)/python -m bench.scale --rows $(or $(ROWS),1000000)

.PHONY: bench-shards
bench-shards: install-dev ## images a second of one and of two workers, and what shards cost beside the work
	$(BIN)/python -m bench.shards --shard $(or $(SHARD),4096)

.PHONY: bench-bias
bench-bias: install ## does the bias check catch BGAD† and leave BGAD alone, on drawn parts: PASSES=30
	$(BIN)/python -m bench.bias --passes $(or $(PASSES),30)

.PHONY: bench-retrain
bench-retrain: install-dev ## ten new masks on screw, from the click to the version, over the paper's schedule: ROUNDS=1 for less
	$(BIN)/python -m bench.retrain --shared $(BGAD_SHARED) --rounds $(or $(ROUNDS),3)

.PHONY: bench-known
bench-known: install-dev ## what five more known defects move on screw, and what a seed moves: ARGS="--seeds 0" for less
	$(BIN)/python -m bench.known --shared $(BGAD_SHARED) $(ARGS)

.PHONY: bench-contamination
bench-contamination: install ## 10 defects among 200 normals: how many stand first before anything is trained
	$(BIN)/python -m bench.contamination $(or $(DATASETS),$(BGAD_SHARED)/data/screw $(BGAD_SHARED)/data/cookie) --weights $(FIGURES_WEIGHTS)

.PHONY: bench-removal
bench-removal: install-dev system ## a project's rows go: how long, and how long a writer elsewhere waits; ROWS=1000000 for more
	$(BIN)/python -m bench.removal --rows $(or $(ROWS),300000)

AUDIT := .venv-audit
$(AUDIT)/installed: requirements-audit.lock
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install $(HASHED) -r requirements-audit.lock
	@touch $@

.PHONY: lock audit
lock: $(AUDIT)/installed ## the *.lock anew from the requirements*.txt; what stands there moves with ARGS=--upgrade only
	PATH=$(AUDIT)/bin:$$PATH sh deploy/lock.sh $(ARGS)

audit: $(AUDIT)/installed ## the locks against the public database of known weaknesses: needs a network
	for lock in requirements-dev requirements-build requirements-audit; do \
		$(AUDIT)/bin/pip-audit --disable-pip --require-hashes -r $$lock.lock || exit 1; done
