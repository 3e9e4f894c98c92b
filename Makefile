# Everything a person runs here. Build output goes to $CARGO_TARGET_DIR, or to target/.
#
# RocksDB is compiled once per machine and kept outside the clone: scripts/rocksdb.sh finds or makes it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO = ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR="$$(scripts/rocksdb.sh)" cargo

.PHONY: help deps build test crash chaos soak conformance check gen lint demo bench bench-full bench-compare hostile fuzz sim clean

help: ## shows this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## installs what building, testing and the demo need (Debian, as root)
	@scripts/deps.sh build test demo clients

build: ## builds the release binary: $(TARGET)/release/conveyor
	@scripts/deps.sh build
	@$(CARGO) build --locked --release
	@echo "built $(TARGET)/release/conveyor"

# The tests wait more than they work, so that more of them run at once than there are cores.
test: ## runs every test
	@scripts/deps.sh build test
	@RUST_TEST_THREADS=$${RUST_TEST_THREADS:-8} $(CARGO) test --locked --workspace --features conveyor/crash-points
	@CONVEYOR_BIN="$(abspath $(TARGET))/debug/conveyor" scripts/clients.sh test
	@CONFORMANCE="$(abspath $(TARGET))/debug/conformance" CONFORMANCE_OPTIONS="--deadline 60" \
		scripts/conformance.sh go python typescript java

sim: ## runs the server in a simulation: SEEDS=n seeds, or SEED=k again with its whole history
	@scripts/deps.sh build
	@SEEDS="$(or $(SEEDS),20000)" SEED="$(SEED)" $(CARGO) test --locked --release --lib simulation::tests::promises -- --nocapture

crash: ## ends the server, and cuts streams, 50 times at each point between a commit and what is sent after it
	@scripts/deps.sh build test
	@CRASH_TIMES=$(or $(TIMES),50) $(CARGO) test --locked --workspace --features conveyor/crash-points --test it crash::points -- --nocapture

# Both say how they stand, print their figures at the end, and fail where anything is wrong.
chaos: ## kills a server and its 20 drivers at random under load for MINUTES=n, and checks all that was promised
	@scripts/deps.sh build
	@$(CARGO) build --locked --release --package conveyor --package conveyor-chaos --bins
	@"$(abspath $(TARGET))/release/chaos" chaos --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED))

soak: ## an hour (MINUTES=n) of mixed load with retention, of which the server lives the last LIFE=n: what it holds must stay flat
	@scripts/deps.sh build
	@$(CARGO) build --locked --release --package conveyor --package conveyor-chaos --bins
	@"$(abspath $(TARGET))/release/chaos" soak --minutes $(or $(MINUTES),60) $(if $(LIFE),--life $(LIFE)) \
		$(if $(PEOPLE),--people $(PEOPLE)) $(if $(SEED),--seed $(SEED))

# Its table stands in clients/conformance/README.md: CONFORMANCE_OPTIONS="--into clients/conformance/README.md" writes it.
conformance: ## runs every driver runtime against the scripted server: a table of case against runtime
	@scripts/deps.sh build clients
	@cargo build --locked --package conveyor-conformance --package conveyor-client --bins --examples
	@CONFORMANCE="$(abspath $(TARGET))/debug/conformance" CONTENDER_RUST="$(abspath $(TARGET))/debug/examples/contender" \
		scripts/conformance.sh

check: lint ## formatting, lints, documentation, dependencies, generated code
	@scripts/deps.sh build
	@cargo fmt --all --check
	@$(CARGO) clippy --locked --workspace --all-targets --features conveyor/crash-points,conveyor/fuzz -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps
	@scripts/deny.sh
	@scripts/gen.sh --check
	@scripts/clients.sh check

gen: ## writes the generated code of the clients
	@scripts/deps.sh clients
	@scripts/gen.sh

lint: ## lints the API
	@scripts/deps.sh clients
	@scripts/buf.sh lint

demo: build ## runs real work in front of you, and cleans up after itself
	@scripts/deps.sh demo
	@CONVEYOR_BIN="$(abspath $(TARGET))/release/conveyor" scripts/demo.sh

bench: ## measures how fast it is, in less than 10 minutes: one table. SUBJECTS="..." picks some
	@scripts/deps.sh build clients
	@cargo build --locked --release --package conveyor-client --example contender
	@CONTENDER_RUST="$(abspath $(TARGET))/release/examples/contender" $(CARGO) bench --locked --bench conveyor -- $(SUBJECTS)

bench-full: ## measures what takes long (large stores, hours of load made short), in half an hour: one table
	@scripts/deps.sh build
	@$(CARGO) bench --locked --bench conveyor -- --full --scale $(or $(SCALE),1) $(SUBJECTS)

bench-compare: ## measures this version and BASE=<git ref> in turn, in half an hour: how much faster each row is
	@scripts/deps.sh build
	@scripts/bench-compare.sh "$(BASE)" $(SUBJECTS)

# Attacks run one after the other: figures of two at once would say nothing. The server is a release build.
hostile: build ## attacks a server in every way the tests know, and measures what its other users notice: one table. ATTACKS=pings picks one
	@ATTACKS="$(ATTACKS)" CONVEYOR_BIN="$(abspath $(TARGET))/release/conveyor" $(CARGO) test --locked --test it -- peers::figures --ignored --nocapture

# SECONDS is a word of bash, so that the script hears it under another name.
fuzz: ## feeds hostile input to every decoder, SECONDS=60 each (nightly Rust, cargo-fuzz). TARGETS="..." picks some
	@SECONDS_EACH=$(or $(SECONDS),60) scripts/fuzz.sh $(TARGETS)

clean: ## removes build output, but not the compiled RocksDB
	@cargo clean
