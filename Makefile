# make demo and make test need Go and Python 3, and install all else themselves.

GOARCH    ?= arm64
LAMBDA     = CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w"
FUNCTIONS  = trigger datamover
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.0

.PHONY: build demo test bench lint fuzz clean local-binaries help deploy-staging deploy-production undeploy
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: .venv/installed local-binaries ## rehearse the whole migration on this machine
	@go run ./infra/rehearsal demo

test: .venv/installed .venv/stacks/installed local-binaries ## every test; nothing is skipped
	REHEARSAL=required go test -race -timeout 20m ./...

bench: .venv/installed local-binaries .build/empty/bootstrap build ## the figures of the README, as ratios within one run
	@go run ./infra/rehearsal bench

lint: ## gofmt, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

fuzz: ## half a minute of fuzzing for each handler's event
	go test ./trigger -run '^$$' -fuzz FuzzInvoke -fuzztime 30s
	go test ./datamover -run '^$$' -fuzz FuzzInvoke -fuzztime 30s

build: $(FUNCTIONS:%=dist/%.zip) dist/bulk ## dist/*.zip for Lambda (arm64; GOARCH=amd64 is honoured), dist/bulk for this machine

dist/bulk: FORCE
	@mkdir -p dist
	go build -trimpath -buildvcs=false -o $@ ./bulk

# The zips are made with a fixed time stamp, so that the same code gives the same file.
dist/%.zip: FORCE
	@mkdir -p dist/$*
	GOARCH=$(GOARCH) $(LAMBDA) -o dist/$*/bootstrap ./$*/cmd/$*
	@cd dist/$* && python3 -c 'import zipfile as z; i=z.ZipInfo("bootstrap"); i.external_attr=0o755<<16; i.create_system=3; \
		z.ZipFile("../$*.zip","w",z.ZIP_DEFLATED).writestr(i, open("bootstrap","rb").read(), z.ZIP_DEFLATED)'
	@rm -r dist/$*
	@ls -l dist/$*.zip

# What is rehearsed is built as for deployment, but for this machine and into a folder of its own.
local-binaries: $(FUNCTIONS:%=.build/%/bootstrap) .build/bulk

.build/bulk: FORCE
	@go build -trimpath -buildvcs=false -o $@ ./bulk

.build/%/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./$*/cmd/$*

# A Go function that does nothing, built like ours, for comparison.
.build/empty/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./infra/rehearsal/bench/empty

# Both need AWS CLI profiles: STAGING_PROFILE, PRODUCTION_PROFILE. Every parameter of a template can be given by its name, as in
# make deploy-production AlarmEmail=ops@spaceport.example; CONFIRM=yes answers the question in a script.
deploy-staging: ## roles and app client in the staging account; shows what will change, and asks
	@infra/deploy.sh staging

deploy-production: $(FUNCTIONS:%=dist/%.zip) ## functions, ledger, alarms and pool in the production account; shows and asks too
	@Architecture=$(if $(filter amd64,$(GOARCH)),x86_64,arm64) infra/deploy.sh production

undeploy: ## end the migration: the production stack goes, pool and ledger stay
	@infra/deploy.sh undeploy

.venv/installed: infra/rehearsal/requirements.txt
	@echo "Installing the local cloud into .venv (once)"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/stacks/installed: infra/stacks/requirements.txt
	@echo "Installing what checks the stacks into .venv/stacks (once)"
	@python3 -m venv .venv/stacks
	@.venv/stacks/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean: ## remove everything that was built or installed here
	rm -rf .build .venv dist

FORCE:
