# All maintenance tasks; `make help` lists them. Each task first installs the tools it needs, and prints what it installs and why.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TOOLS := $(CURDIR)/.tools
export PATH := $(TOOLS)/bin:$(PATH)
export CARGO_TERM_COLOR ?= never

# wasm-bindgen-cli must have exactly the version of the wasm-bindgen crate in Cargo.lock.
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)
WASM_PACK := 0.15.1
CARGO_FUZZ := 0.13.2
CARGO_DENY := 0.20.2
CARGO_MUTANTS := 27.1.0

RUST := $(TOOLS)/rust.stamp
BINDGEN := $(TOOLS)/wasm-bindgen-$(WASM_BINDGEN).stamp
PACK := $(TOOLS)/wasm-pack-$(WASM_PACK).stamp
DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY).stamp
FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ).stamp
MUTANTS := $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS).stamp
# Everything that runs against the committed dist/, the tests of what it runs in, and the checks of all other files.
TESTS := js/*.test.js js/network/*.test.js tests/{lint,docs,supply,mutants,release,support,sandbox,env,e2e,e2e/faults,e2e/hostile}/*.test.js bench/*.test.js
NPM := node_modules/.package-lock.json
# npm packages with Node.js binaries; used on Linux x86_64 only.
MACHINE := $(shell uname -s)/$(shell uname -m)
NODES := $(if $(filter Linux/x86_64,$(MACHINE)),tests/nodes/node_modules/.package-lock.json)
# The binaries for Windows and arm64 run there in an emulator.
FOREIGN_NODES := $(if $(filter Linux/x86_64,$(MACHINE)),tests/platforms/node_modules/.package-lock.json)

.PHONY: help demo test mutants fuzz dist lint unit simulate simulate-mutants wasm e2e test-node test-platforms test-runners bench curve check-dist site test-site screenshot build-site sandbox-tools lint-tools advisories sbom verify
help: ## list all tasks
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: $(NPM) ## log in and out with a real registry and the real docker CLI
	@tests/sandbox/install.sh docker docker-registry skopeo || true
	@node tests/demo/demo.js

test: lint unit simulate wasm e2e test-site check-dist ## all checks that a change must pass

mutants: $(RUST) $(MUTANTS) ## break the core in every small way and check that its tests notice; FILE=file or folder/, JOBS=n
	@node tests/mutants/run.js "$(FILE)" "$(JOBS)"

fuzz: $(FUZZ) ## fuzz the response parser and the log sanitizer for one minute (installs nightly Rust)
	cargo +nightly fuzz run response -- -max_total_time=30 -print_final_stats=1
	cargo +nightly fuzz run sanitizer -- -max_total_time=30 -print_final_stats=1

dist: $(RUST) $(BINDGEN) $(NPM) ## rebuild dist/ from src/ and js/
	node js/build.js dist

verify: ## rebuild dist/ of a commit and compare it with the committed files; TAG=tag, branch or SHA (default: HEAD)
	@node js/verify.js "$${TAG:-HEAD}" $(TOOLS)

sbom: $(RUST) $(NPM) ## write the software bill of materials of dist/ (CycloneDX) to target/sbom.cdx.json
	@node js/sbom.js target/sbom.cdx.json

advisories: $(RUST) $(DENY) $(NPM) ## check for known vulnerabilities in crates and npm packages (downloads the advisory databases)
	cargo deny --locked check --hide-inclusion-graph advisories
	npm audit --omit=dev

lint: $(RUST) $(DENY) $(NPM) lint-tools ## check formatting, import directions, dependencies and workflows, and run clippy for the host and for wasm
	cargo fmt --all --check
	cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
	cargo clippy --locked --quiet --all-targets --target wasm32-unknown-unknown -- -D warnings
	@# The page uses the core without its boundary.
	cargo clippy --locked --quiet --package reoclo-docker-auth-site --lib --target wasm32-unknown-unknown -- -D warnings -D unused_crate_dependencies
	@# Crates that nothing uses: those of the wasm, and those of the unit tests.
	cargo clippy --locked --quiet --lib --target wasm32-unknown-unknown -- -D unused_crate_dependencies
	cargo clippy --locked --quiet --lib --profile test -- -D unused_crate_dependencies
	cargo deny --locked check --hide-inclusion-graph licenses bans sources
	@node tests/supply/check.js
	@node tests/lint/rooms.js
	@tests/lint/workflows.sh

unit: $(RUST) ## unit tests of the core and of the page, on the host
	cargo test --locked --quiet --workspace

simulate: $(RUST) ## run simulated jobs with faults, kills and other jobs, and check the guarantees; JOBS=number SEED=first, or SEED=one alone
	@JOBS="$(JOBS)" SEED="$(SEED)" cargo test --locked --quiet --profile simulation --lib -- --ignored --exact --nocapture simulation::tool::simulate

simulate-mutants: $(RUST) ## change single lines of the core, and count the simulated jobs until a guarantee is broken
	@node tests/simulation/mutants.js

wasm: $(RUST) $(BINDGEN) $(PACK) ## tests of the JavaScript boundary, in Node.js
	wasm-pack --log-level warn test --node --mode no-install --test wasm

e2e: $(NPM) sandbox-tools lint-tools $(RUST) ## end-to-end tests of the committed dist/, with a stand-in for Reoclo, a real registry and the real docker CLI
	node --test --test-timeout=300000 --test-reporter=spec $(TESTS)

site: build-site ## build the page that writes workflows, and serve it
	@node site/serve.js

test-site: build-site sandbox-tools lint-tools ## tests of the page in Chromium, and of the workflows it writes; REQUIRE_BROWSER=1 fails instead of skipping
	@tests/sandbox/install.sh chromium || true
	node --test --test-timeout=300000 --test-reporter=spec tests/site/*.test.js

screenshot: build-site ## take the picture of the page in README.md
	@tests/sandbox/install.sh chromium
	@node tests/site/screenshot.js docs/site.png

build-site: $(RUST) $(BINDGEN) $(NPM)
	@node site/build.js

test-node: $(NPM) $(NODES) sandbox-tools ## end-to-end tests on Node.js 20, 22 and 24, and the error on Node.js 18
	@node tests/nodes/run.js

test-platforms: $(NPM) $(FOREIGN_NODES) sandbox-tools ## scenarios on Node.js for Windows (with Wine) and arm64 (with QEMU); REQUIRE_PLATFORMS=1 fails instead of skipping
	@tests/sandbox/install.sh wine qemu-aarch64 arm64-libraries || true
	@node tests/platforms/run.js

test-runners: build-site sandbox-tools ## workflows on act, and on the runners of Gitea and Forgejo with a real Gitea server (requires Go); REQUIRE_RUNNERS=1 fails instead of skipping
	@tests/runners/install.sh
	node --test --test-timeout=300000 --test-reporter=spec tests/runners/*.test.js

bench: build-site $(NODES) ## compare time, memory, requests and sizes with budgets and bare scripts; N=rounds PEER=folder JSON=file
	@tests/sandbox/install.sh chromium || true
	@node bench/bench.js --rounds "$(N)" --peer "$(PEER)" --json "$(JSON)"

curve: $(NPM) ## measure steps with 1 to 100 servers, print a table and draw docs/fleet.svg
	@node bench/curve.js

check-dist: $(RUST) $(BINDGEN) $(NPM) ## check that dist/ matches the sources, byte for byte
	node js/build.js target/check-dist
	@diff -r dist target/check-dist || { echo 'dist/ does not match the sources: run `make dist` and commit the result'; exit 1; }
	@echo 'dist/ matches the sources'

sandbox-tools:
	@tests/sandbox/install.sh docker docker-registry openssl tinyproxy microsocks

lint-tools:
	@tests/lint/install.sh

$(RUST): rust-toolchain.toml
	@mkdir -p $(TOOLS)
	@command -v rustup >/dev/null || { echo 'Rust is required: install rustup from https://rustup.rs'; exit 1; }
	@echo 'Installing Rust: the compiler in rust-toolchain.toml and its wasm target'
	@channel="$$(sed -n 's/^channel = "\(.*\)"/\1/p' $<)"; \
	rustup toolchain install "$$channel" --no-self-update --profile minimal \
	  --component clippy,rustfmt --target wasm32-unknown-unknown >$(TOOLS)/rust.log 2>&1 || { cat $(TOOLS)/rust.log; exit 1; }
	@touch $@

$(BINDGEN): | $(RUST)
	@echo 'Installing wasm-bindgen $(WASM_BINDGEN): generates the JavaScript bindings of the core (about 2 minutes, once)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(WASM_BINDGEN) wasm-bindgen-cli
	@touch $@

$(PACK): | $(RUST)
	@echo 'Installing wasm-pack $(WASM_PACK): runs the wasm tests in Node.js (about 2 minutes, once)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(WASM_PACK) wasm-pack
	@touch $@

$(DENY): | $(RUST)
	@echo 'Installing cargo-deny $(CARGO_DENY): checks licenses and sources of the crates (about 3 minutes, once)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(CARGO_DENY) cargo-deny
	@touch $@

$(MUTANTS): | $(RUST)
	@echo 'Installing cargo-mutants $(CARGO_MUTANTS): changes the core, to see whether its tests fail (about 2 minutes, once)'
	@cargo install --quiet --locked --root $(TOOLS) --version $(CARGO_MUTANTS) cargo-mutants
	@touch $@

$(FUZZ): | $(RUST)
	@echo 'Installing cargo-fuzz $(CARGO_FUZZ) and a nightly compiler, which it requires (once)'
	@rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --no-self-update --profile minimal
	@cargo install --quiet --locked --root $(TOOLS) --version $(CARGO_FUZZ) cargo-fuzz
	@touch $@

$(NPM): package.json package-lock.json
	@echo 'Installing npm packages: the bundled toolkit, the bundler, the SBOM library, libraries of the tests'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(NODES): tests/nodes/package.json tests/nodes/package-lock.json
	@echo 'Installing Node.js 18, 20, 22 and 24: the supported versions and one unsupported version (700 MB, once)'
	@npm ci --prefix tests/nodes --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(FOREIGN_NODES): tests/platforms/package.json tests/platforms/package-lock.json
	@echo 'Installing Node.js for Windows and arm64 (220 MB, once)'
	@npm ci --prefix tests/platforms --force --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
