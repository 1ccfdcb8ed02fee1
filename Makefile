# Every task of a maintainer; `make help` lists them. What a task needs it installs first, saying what and why.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TOOLS := $(CURDIR)/.tools
export PATH := $(TOOLS)/bin:$(PATH)
export CARGO_TERM_COLOR ?= never

# The tool that writes the bindings must be of the very version of the crate in Cargo.lock.
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)
WASM_PACK := 0.15.1
CARGO_FUZZ := 0.13.2

RUST := $(TOOLS)/rust.stamp
BINDGEN := $(TOOLS)/wasm-bindgen-$(WASM_BINDGEN).stamp
PACK := $(TOOLS)/wasm-pack-$(WASM_PACK).stamp
FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ).stamp
# Everything that runs against the committed dist/, and the tests of what it runs in.
TESTS := js/*.test.js js/network/*.test.js tests/{lint,support,sandbox,env,e2e,e2e/faults}/*.test.js bench/*.test.js
NPM := node_modules/.package-lock.json
# Node's own binaries, which exist as packages for this one kind of machine.
NODES := $(if $(filter Linux/x86_64,$(shell uname -s)/$(shell uname -m)),tests/nodes/node_modules/.package-lock.json)

.PHONY: help demo test fuzz dist lint unit wasm e2e test-node test-runners bench check-dist sandbox-tools
help: ## list the tasks
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: $(NPM) ## see the action log a server in and out, against a real registry
	@tests/sandbox/install.sh docker docker-registry skopeo || true
	@node tests/demo/demo.js

test: lint unit wasm e2e check-dist ## everything that must hold before a change lands

fuzz: $(FUZZ) ## a minute of bytes from nowhere, for what reads the values of a reply, and for the neutraliser
	cargo +nightly fuzz run reply -- -max_total_time=30 -print_final_stats=1
	cargo +nightly fuzz run neutraliser -- -max_total_time=30 -print_final_stats=1

dist: $(RUST) $(BINDGEN) $(NPM) ## rebuild dist/ from the sources
	node js/build.js dist

lint: $(RUST) ## formatting and clippy, for the host and for wasm
	cargo fmt --check
	cargo clippy --locked --quiet --all-targets -- -D warnings
	cargo clippy --locked --quiet --all-targets --target wasm32-unknown-unknown -- -D warnings

unit: $(RUST) ## the logic, on the host
	cargo test --locked --quiet

wasm: $(RUST) $(BINDGEN) $(PACK) ## the JavaScript boundary, as WebAssembly in Node
	wasm-pack --log-level warn test --node --mode no-install --test wasm

e2e: $(NPM) sandbox-tools ## the committed dist/ against the stand-in, a real registry and the real docker CLI
	node --test --test-timeout=300000 --test-reporter=spec $(TESTS)

test-node: $(NPM) $(NODES) sandbox-tools ## the scenarios on Node 20, 22 and 24, and what Node 18 is told
	@node tests/nodes/run.js

test-runners: $(NPM) sandbox-tools ## workflows on act and on Gitea's runner, built with Go; REQUIRE_RUNNERS=1 where they must not be skipped
	@tests/runners/install.sh
	node --test --test-timeout=300000 --test-reporter=spec tests/runners/*.test.js

bench: $(NPM) $(NODES) ## time, memory, requests and sizes against budgets and bare scripts; N=rounds PEER=folder JSON=file
	@node bench/bench.js --rounds "$(N)" --peer "$(PEER)" --json "$(JSON)"

check-dist: $(RUST) $(BINDGEN) $(NPM) ## dist/ is byte for byte what the sources build
	node js/build.js target/check-dist
	@diff -r dist target/check-dist || { echo 'dist/ is not what the sources build: run `make dist` and commit it'; exit 1; }
	@echo 'dist/ is what the sources build'

sandbox-tools:
	@tests/sandbox/install.sh docker docker-registry openssl tinyproxy microsocks

$(RUST): rust-toolchain.toml
	@mkdir -p $(TOOLS)
	@command -v rustup >/dev/null || { echo 'This needs Rust by rustup: see https://rustup.rs'; exit 1; }
	@echo 'Rust: the compiler of rust-toolchain.toml with its wasm target'
	@channel="$$(sed -n 's/^channel = "\(.*\)"/\1/p' $<)"; \
	rustup toolchain install "$$channel" --no-self-update --profile minimal \
	  --component clippy,rustfmt,rust-src --target wasm32-unknown-unknown >$(TOOLS)/rust.log 2>&1 || { cat $(TOOLS)/rust.log; exit 1; }
	@touch $@

$(BINDGEN): | $(RUST)
	@echo 'wasm-bindgen $(WASM_BINDGEN): writes the JavaScript side of the core (builds once, about 2 minutes)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(WASM_BINDGEN) wasm-bindgen-cli
	@touch $@

$(PACK): | $(RUST)
	@echo 'wasm-pack $(WASM_PACK): runs the tests of the core in Node (builds once, about 2 minutes)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(WASM_PACK) wasm-pack
	@touch $@

$(FUZZ): | $(RUST)
	@echo 'cargo-fuzz $(CARGO_FUZZ) and a nightly compiler: the fuzzer needs both (installs once)'
	@rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --no-self-update --profile minimal
	@cargo install --quiet --locked --root $(TOOLS) --version $(CARGO_FUZZ) cargo-fuzz
	@touch $@

$(NPM): package.json package-lock.json
	@echo 'npm packages: the toolkit that is bundled, the bundler, the stand-in'"'"'s libraries'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(NODES): tests/nodes/package.json tests/nodes/package-lock.json
	@echo 'Node 18, 20, 22 and 24: the versions that the action works on, and one that it refuses (700 MB, once)'
	@npm ci --prefix tests/nodes --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
