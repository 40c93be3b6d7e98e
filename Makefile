# Targets a builder of Heddle needs. `make` alone builds.

GOBIN_TOOLS := $(CURDIR)/.tools
LINKS := peer orderer cryptogen configtxgen configtxlator

.PHONY: build
build: ## bin/heddle and a link per familiar tool name
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/heddle ./cmd/heddle
	@for l in $(LINKS); do ln -sf heddle bin/$$l; done

.PHONY: proto
proto: ## regenerate wire/*/*.pb.go (needs protoc on the PATH)
	GOBIN=$(GOBIN_TOOLS) go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
	GOBIN=$(GOBIN_TOOLS) go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
	PATH="$(GOBIN_TOOLS):$$PATH" protoc -I . \
		--go_out=. --go_opt=module=github.com/heddleledger/heddle \
		--go-grpc_out=. --go-grpc_opt=module=github.com/heddleledger/heddle \
		$$(find wire -name '*.proto' | sort)
