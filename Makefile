# What CI runs is what you run: .ci/run calls `check` and `test` and nothing else.
# One profile serves demo, test and check, so RocksDB is compiled once, into
# CARGO_TARGET_DIR if that is set.

N     ?= 1
HOURS ?= 1
ARGS  ?=

# Fuzz targets, and how long each runs.
TARGET  ?= header note proof export policy pattern credential
SECONDS ?= 60

# Policy decisions that the engine and its oracle are compared on.
CASES   ?= 1000000

# RocksDB is C++, and its bindings are made by libclang; the second verifier is
# Python.
PACKAGES := g++ libclang-dev python3 python3-cryptography
SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CARGO    := cargo
# Whatever cargo compiles it compiles for the whole workspace: one set of features.
WORKSPACE := --workspace --locked

.PHONY: setup demo check fix test bench soak jepsen stock oidc fuzz policy-cases contract oscal sbom image

setup:  # what a Debian machine with Rust lacks; nothing to do is quick
	@command -v $(CARGO) >/dev/null || { echo 'Rust is missing: see https://rustup.rs'; exit 1; }
	@if command -v dpkg >/dev/null && ! dpkg -s $(PACKAGES) >/dev/null 2>&1; then \
		$(SUDO) apt-get update -q && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(PACKAGES); \
	fi

demo: setup  # three nodes on localhost, one decision made and verified on each; ARGS for more
	$(CARGO) build $(WORKSPACE) --bin lexecon
	@exec $(or $(CARGO_TARGET_DIR),target)/debug/lexecon demo $(ARGS)

check: setup  # formatting, lints, rules of the tree, documents. Never writes.
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path jepsen-tests/fuzz/Cargo.toml --check
	$(CARGO) fmt --manifest-path jepsen-tests/peers/Cargo.toml --check
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(WORKSPACE) --no-deps --document-private-items
	$(CARGO) test $(WORKSPACE) --test tidy --test deploy
	$(CARGO) test $(WORKSPACE) --test it description::
	@! command -v promtool >/dev/null || promtool check config deploy/prometheus/prometheus.yml
	@! docker compose version >/dev/null 2>&1 || docker compose -f deploy/compose.yaml config -q
	@! command -v cargo-deny >/dev/null || $(CARGO) deny --all-features check bans licenses sources

fix: setup  # everything a tool can rewrite
	$(CARGO) clippy $(WORKSPACE) --all-targets --fix --allow-dirty --allow-staged
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path jepsen-tests/fuzz/Cargo.toml
	$(CARGO) fmt --manifest-path jepsen-tests/peers/Cargo.toml

test: setup  # every test, real clusters that are killed included
	python3 -m unittest discover -q -s client/verifiers
	$(CARGO) test $(WORKSPACE)

bench: setup  # criterion, then three nodes under load; figures are worth what the machine's quiet is
	@git log -1 --format='commit %h, %cs' && uname -srm && nproc
	$(CARGO) build --release $(WORKSPACE) --bin lexecon
	$(CARGO) bench $(WORKSPACE)
	$(CARGO) bench --locked --manifest-path jepsen-tests/peers/Cargo.toml \
		--target-dir $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/peers

jepsen: setup  # the kill test N times, from JEPSEN_SEED or new seeds
	@for run in $$(seq $(N)); do $(CARGO) test $(WORKSPACE) --test kill -- --nocapture || exit 1; done

soak: setup  # the same for HOURS hours
	@end=$$(($$(date +%s) + $(HOURS) * 3600)); \
	while [ $$(date +%s) -lt $$end ]; do $(MAKE) --no-print-directory jepsen N=1 || exit 1; done

stock:  # Go clients written by others verify the vectors, and with URL=http://127.0.0.1:8000 a node too
	@command -v go >/dev/null || { echo 'Go 1.26 is missing: no stock client verified anything'; exit 1; }
	cd jepsen-tests/stock && go vet ./... && go test -count=1 ./...
	$(if $(URL),cd jepsen-tests/stock && go run . -url '$(URL)')

# A provider of logins, by the name that PyPI knows it by, and where it listens.
OIDC_PROVIDER := oidc-provider-mock==0.3.4
OIDC_PORT     ?= 28999
OIDC_DIR       = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/oidc

oidc: setup  # log in at a provider that others wrote, which pip installs
	python3 -m venv $(OIDC_DIR)
	$(OIDC_DIR)/bin/pip install -q --disable-pip-version-check $(OIDC_PROVIDER)
	$(CARGO) test $(WORKSPACE) --test it --no-run
	@$(OIDC_DIR)/bin/oidc-provider-mock --port $(OIDC_PORT) \
		--user-claims '{"sub":"verified","email":"v@example.com","email_verified":true}' \
		--user-claims '{"sub":"unverified","email":"u@example.com","email_verified":false}' & \
	trap "kill $$!" EXIT; \
	for _ in $$(seq 100); do \
		$(OIDC_DIR)/bin/python -c 'import socket; socket.create_connection(("127.0.0.1", $(OIDC_PORT)))' \
			2>/dev/null && break; sleep 0.1; \
	done; \
	OIDC_ISSUER=http://127.0.0.1:$(OIDC_PORT) \
		$(CARGO) test $(WORKSPACE) --test it oidc:: -- --ignored

# What cargo-fuzz would pass, on stable Rust: counters of edges and the operands
# of comparisons. With a target named, build scripts are not instrumented.
FUZZ_FLAGS := -Cpasses=sancov-module --cfg fuzzing $(addprefix -Cllvm-args=-sanitizer-coverage-, \
	level=4 inline-8bit-counters pc-table trace-compares)
FUZZ_HOST   = $(shell rustc --print host-tuple)
FUZZ_DIR    = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/fuzz

fuzz: setup  # hostile bytes for SECONDS each; TARGET=note for one. The corpus stays and grows
	cd jepsen-tests/fuzz && RUSTFLAGS='$(FUZZ_FLAGS)' \
		$(CARGO) build --locked --release --target $(FUZZ_HOST) --target-dir $(FUZZ_DIR)
	@for target in $(TARGET); do \
		mkdir -p $(FUZZ_DIR)/corpus/$$target $(FUZZ_DIR)/faults && \
		$(FUZZ_DIR)/$(FUZZ_HOST)/release/$$target -max_total_time=$(SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(FUZZ_DIR)/faults/$$target- $(FUZZ_DIR)/corpus/$$target || exit 1; \
	done

policy-cases:  # the policy engine against its oracle, on CASES new ones; POLICY_SEED=... to repeat
	POLICY_CASES=$(CASES) POLICY_SEED=$(or $(POLICY_SEED),$$(date +%s%N)) \
		$(CARGO) test $(WORKSPACE) --test oracle

contract: setup  # schemathesis against /openapi.json of a live cluster, open and with accounts
	@command -v uvx >/dev/null || python3 -c 'import venv' || { echo 'python3-venv is missing'; exit 1; }
	$(CARGO) build $(WORKSPACE) --bin lexecon
	python3 jepsen-tests/contract/run.py $(or $(CARGO_TARGET_DIR),target)/debug/lexecon $(EXAMPLES)

# A tool of others whose models are made from NIST's schemas of OSCAL.
OSCAL_READER := compliance-trestle==5.2.0
OSCAL_DIR     = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/oscal

oscal: setup  # the OSCAL that is written, read by compliance-trestle, which pip installs
	python3 -m venv $(OSCAL_DIR)
	$(OSCAL_DIR)/bin/pip install -q --disable-pip-version-check $(OSCAL_READER)
	$(CARGO) build $(WORKSPACE) --bin lexecon
	$(or $(CARGO_TARGET_DIR),target)/debug/lexecon compliance oscal-component --output $(OSCAL_DIR)/component-definition.json
	$(OSCAL_DIR)/bin/python jepsen-tests/oscal/check.py client/tests/oscal/*.json node/src/exports/golden/*.oscal.json \
		$(OSCAL_DIR)/component-definition.json

# The tool writes one beside every crate of the workspace; that of the binary is kept.
SBOM = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/lexecon.cdx.json

sbom:  # what is linked into the binary, as CycloneDX; cargo install cargo-cyclonedx --locked
	@command -v cargo-cyclonedx >/dev/null || { echo 'cargo-cyclonedx is missing'; exit 1; }
	$(CARGO) cyclonedx --manifest-path node/Cargo.toml --format json --spec-version 1.5 --override-filename sbom-of-lexecon
	@mkdir -p $(dir $(SBOM)) && mv node/sbom-of-lexecon.json $(SBOM)
	@find $(CURDIR) -name sbom-of-lexecon.json -delete && echo $(SBOM)

image: setup  # the container
	docker build -f deploy/Dockerfile -t lexecon .
