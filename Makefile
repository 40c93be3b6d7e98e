# Targets a builder of Heddle needs. `make` alone builds; `make test` runs everything.

GO ?= go
TOOLS := $(CURDIR)/.tools
LINKS := peer orderer cryptogen configtxgen configtxlator
PROTOS := $(shell find wire -name '*.proto' | sort)
# Of make microbench: which benchmarks, how often, and an earlier result to compare with.
STAGES ?= .
COUNT ?= 6
BASE ?=

.PHONY: build
build: ## bin/heddle, and a link per familiar tool name
	CGO_ENABLED=0 $(GO) build -tags grpcnotrace -trimpath -ldflags "-s -w" -o bin/heddle ./cmd/heddle
	@for l in $(LINKS); do ln -sf heddle bin/$$l; done

.PHONY: test
test: check fast e2e ## everything that needs nothing but Go

.PHONY: check
check: ## formatting and vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags "e2e toolchains clients" ./...

.PHONY: fast
fast: ## the tests that take a few minutes
	$(GO) test ./...

.PHONY: e2e
e2e: build ## real processes: networks, chaincode builds, kills
	$(GO) test -tags e2e -count=1 -timeout 15m ./test/...

.PHONY: soak
soak: build ## 20 minutes of mixed load on three nodes, one of them killed every minute
	$(GO) test -tags e2e -count=1 -timeout 40m -v -run '^TestSoak$$' ./test/e2e -soak 20m -soak.kill 1m

.PHONY: bench
bench: build ## the standard set of loads on a local network
	bin/heddle bench local

.PHONY: microbench
microbench: ## each stage by itself, into .tools/bench.txt; with BASE=FILE, an earlier .tools/bench.txt, compared with that by benchstat
	@mkdir -p $(TOOLS)
	$(GO) test -run '^$$' -bench $(STAGES) -benchmem -count $(COUNT) -timeout 60m ./... >$(TOOLS)/bench.txt || { cat $(TOOLS)/bench.txt; exit 1; }
	GOBIN=$(TOOLS) $(GO) install golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
	$(TOOLS)/benchstat $(BASE) $(TOOLS)/bench.txt

.PHONY: toolchains
toolchains: build ## chaincode that needs more than Go: a Docker engine, Node.js, a JDK, Maven, and their registries
	$(GO) test -tags toolchains -count=1 ./chaincode/platform/node ./chaincode/platform/java
	$(GO) test -tags toolchains -count=1 ./chaincode/runtime/docker
	$(GO) test -tags toolchains -count=1 -run '^TestNoContainerIsLeftBehind$$' ./chaincode
	$(GO) test -tags "e2e toolchains" -count=1 -timeout 15m -run '^(TestChaincodeInContainers|TestLanguagesInContainers|TestNode|TestJava)$$' ./test/e2e
	$(GO) test -tags "e2e toolchains" -count=1 -run '^TestGuidesWithToolchains$$' ./test/guides

.PHONY: clients
clients: build ## client libraries that others wrote, from npm and Maven (needs Node.js, a JDK, Maven and their registries)
	cd test/clients/node2.2 && npm ci
	cd test/clients/node1.4 && npm ci
	mvn -q -B -f test/clients/java/pom.xml prepare-package
	$(GO) test -tags clients -count=1 -timeout 15m ./test/clients

.PHONY: man
man: build ## man/man1: manual pages of all commands
	bin/heddle man --dir man

.PHONY: proto
proto: ## regenerate wire/*/*.pb.go (needs protoc on the PATH)
	GOBIN=$(TOOLS) $(GO) install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
	GOBIN=$(TOOLS) $(GO) install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
	PATH="$(TOOLS):$$PATH" protoc -I . \
		--go_out=. --go_opt=module=github.com/heddleledger/heddle \
		--go-grpc_out=. --go-grpc_opt=module=github.com/heddleledger/heddle \
		$(PROTOS)

.PHONY: shim-deps
shim-deps: ## repack the third-party sources carried for building chaincode (after protobuf changes in go.mod)
	go run ./internal/shimdeps chaincode/platform/golang/deps.tar.gz
