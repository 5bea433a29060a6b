# make demo   sets up, builds, and runs the fraud example on real card payments
# make test   sets up, builds, and runs every test
# make build  leaves the program at target/release/wasmill
# make dist   leaves the program as it is released, optimised over all crates, at target/dist/wasmill; takes 20 to 40 minutes
# make bench  measures that program, then beside Flink, PyFlink and DuckDB (installs them: Java 11 or later and 1 GB are needed)
# make lint   formatting, clippy, documentation, licences
# make udf-examples   builds and runs the functions in every language, from source; installs their compilers
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
WASMILL := $(CARGO_TARGET_DIR)/release/wasmill
RELEASED := $(CARGO_TARGET_DIR)/dist/wasmill

.PHONY: help demo test bench build dist lint udf-examples setup clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup.sh

build: setup
	@echo "build: compiling wasmill (the first time takes 10 to 25 minutes, later seconds)"
	@cargo build --release --workspace --locked
	@[ "$(CARGO_TARGET_DIR)" = "$(CURDIR)/target" ] || { mkdir -p target/release && ln -sf $(WASMILL) target/release/wasmill; }

demo: build
	@WASMILL=$(WASMILL) examples/fraud/run.sh

test: build
	@echo "test: compiling and running all tests"
	@cargo test --release --workspace --locked

dist: setup
	@echo "dist: compiling wasmill as it is released"
	@cargo build --profile dist -p wasmill --locked
	@[ "$(CARGO_TARGET_DIR)" = "$(CURDIR)/target" ] || { mkdir -p target/dist && ln -sf $(RELEASED) target/dist/wasmill; }

bench: dist
	@WASMILL=$(RELEASED) benches/bars.py
	@benches/functions.sh
	@for suite in function process fraud nexmark; do WASMILL=$(RELEASED) benches/compare.py $$suite || exit 1; done

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked
	scripts/cargo-deny.sh --all-features check licenses bans sources

udf-examples: build
	@WASMILL=$(WASMILL) scripts/udf-examples.sh $(LANGUAGES)

clean:
	cargo clean
