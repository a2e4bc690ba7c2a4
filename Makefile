# Bare `make` lists the commands.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: bench-instructions help demo test check fmt lint rust-test web oracle bench bench-stages bench-peers bench-report bench-mosaic docs fuzz fuzz-targets bless deny ci tools

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: tools ## Build, make the demo imagery once, serve it with the viewer
	cargo build --release --locked
	./target/release/pavage demo

test: check rust-test web oracle ## All that CI runs: formatting, lints, docs, tests, web tests, oracles

check: fmt lint docs ## Formatting, lints and documentation

fmt: tools ## Check the formatting
	cargo fmt --all --check

lint: tools ## Clippy, with warnings as errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

docs: tools ## Build the documentation, with warnings as errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

rust-test: tools ## Unit tests and end-to-end tests
	cargo test --workspace --locked
	@! command -v python3 >/dev/null || python3 benches/peers/test_peers.py

web: ## Check the pages: types, unit tests, and that the built ones are up to date (Node.js 20)
	server/src/ui/web/test.sh

oracle: tools ## Compare with GDAL, OWSLib, OGC's schemas, Prometheus and a browser, where they are to be had
	tests/oracle/run.sh

bench: bench-stages bench-peers ## Run the benches of every stage, then Pavage beside other tile servers

bench-stages: tools
	cargo bench -p pavage-benches --bench tile --bench jpeg --bench index --bench mosaic

PEERS_DIR ?= target/peers
# What the runner is told, where it is said: make bench-peers WORKLOADS=U1,U2 PEERS="mapserver titiler" ROUNDS=1 SECS=2
PEERS_RUN = python3 benches/peers --work $(PEERS_DIR) \
  $(if $(RESULTS),--results $(RESULTS)) $(if $(WORKLOADS),--workloads "$(WORKLOADS)") $(if $(PEERS),--peers "$(PEERS)") \
  $(if $(PAVAGES),--pavages "$(PAVAGES)") $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECS),--seconds $(SECS)) \
  $(if $(SOAK_SECS),--soak-s $(SOAK_SECS)) $(if $(LOAD),--load $(LOAD)) $(if $(AGAIN),--again) $(if $(MARTIN),--with-martin)

bench-peers: tools ## Install other tile servers, race them with Pavage, write benches/results/<date>-<machine> (docs/benchmarks.md)
	cargo build --release --locked
	cargo build --release --locked -p pavage-benches --bins
	$(PEERS_RUN) $(or $(STEPS),setup run report)

bench-report: ## Write table and chart of RESULTS anew, and the section on speed in README.md
	$(PEERS_RUN) report --readme README.md

# The runner must be of the version of the crate.
GUNGRAUN = 0.20.0

bench-instructions: tools ## Count the instructions of every stage; fails beyond 5 % over the baseline (needs valgrind)
	@command -v valgrind >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q valgrind; \
	  else echo "valgrind is missing: sudo apt-get install -y valgrind"; exit 1; fi; }
	@target/tools/bin/gungraun-runner --version 2>/dev/null | grep -q " $(GUNGRAUN)" || \
	  cargo install --debug gungraun-runner --version $(GUNGRAUN) --locked --root target/tools
	GUNGRAUN_RUNNER=$(CURDIR)/target/tools/bin/gungraun-runner cargo bench -p pavage-benches --bench instructions --locked

bench-mosaic: tools ## Measure a folder of 150,000 dalles beside one of 64 (needs python3 and some gigabytes of disk)
	cargo build --release --locked
	cargo bench -p pavage-benches --bench mosaic
	python3 benches/mosaic.py target/release/pavage target/bench-mosaic $(or $(DALLES),150000)

fuzz: tools ## Feed mutated files to the reader, as many as PAVAGE_FUZZ_CASES says
	PAVAGE_FUZZ_CASES=$${PAVAGE_FUZZ_CASES:-200000} \
	  cargo test --profile fuzz -p pavage-tiler --test mutations --locked -- --nocapture

FUZZ_SECONDS = $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)

# Findings are kept under fuzz/artifacts; what libFuzzer learns goes beside the corpus, which stays small.
fuzz-targets: tools ## Run each fuzz target for SECONDS (needs a C++ compiler and cargo-fuzz)
	@command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz"; exit 1; }
	set -e; for target in tiler/source_open tiler/codec_block tiler/jpeg_partial tiler/webp_partial tiler/jp2_open tiler/sidecar tiler/geokeys server/request; do \
	  crate=$${target%/*}; name=$${target#*/}; learnt=target/fuzz-corpus/$$name; mkdir -p $$learnt; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir $$crate/fuzz -s none $$name $$learnt $$crate/fuzz/corpus/$$name -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=65536; \
	done

bless: ## Write what tests compare with anew: golden pictures, numbers of PROJ (needs python3 with pyproj), seeds of fuzz targets
	PAVAGE_BLESS=1 cargo test -p pavage-tests --test golden --locked look
	PAVAGE_BLESS=1 cargo test -p pavage-tiler --test mutations --locked the_fuzz_targets
	python3 tiler/src/crs/fixtures/make_proj_fixture.py

deny: ## Check licences, advisories and sources of dependencies (needs cargo-deny)
	cargo deny check

ci: test bench-instructions ## What CI runs

# What is missing is installed where that is allowed, else the command is printed.
tools:
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q gcc libc6-dev; \
	  else echo "A C compiler is missing: sudo apt-get install -y gcc libc6-dev"; exit 1; fi; }
