# Everything a developer runs. Each target sets up what it needs: packages with npm, Redis with the system's package manager.
.DEFAULT_GOAL := help
.PHONY: help setup redis server luacheck valgrind build demo test test-matrix coverage histories mutants chaos check instructions bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: server .demo/node_modules/.package-lock.json ## See four messages of a real conversation come out as one; speed=1 for real time, lang=ru
	@rm -rf .demo/src .demo/cli && cp -R src cli .demo/
	@cd .demo && node --import tsx cli/main.ts demo $(if $(speed),--speed '$(speed)') $(if $(lang),--lang '$(lang)')

# What the demo imports, and what runs TypeScript: few of all packages, as the lockfile has them. In a folder of their own, since the other
# targets take a node_modules for one that has everything.
DEMO_PACKAGES = commander pino ioredis rate-limiter-flexible @hono/node-server tsx
.demo/node_modules/.package-lock.json: package.json package-lock.json
	@echo "Installing what the demo needs into .demo, some seconds: $(DEMO_PACKAGES)"
	@mkdir -p .demo && cp package-lock.json .demo/ && node -p "\
	  const { dependencies, devDependencies } = require('./package.json'); \
	  const all = Object.entries({ ...devDependencies, ...dependencies }); \
	  const needed = all.filter(([name]) => '$(DEMO_PACKAGES)'.split(' ').includes(name)); \
	  JSON.stringify({ type: 'module', private: true, dependencies: Object.fromEntries(needed) })" > .demo/package.json
	@cd .demo && npm install --no-fund --no-audit --loglevel error
	@touch $@

test: build redis ## Run every test against real Redis servers: REDIS_BINARY=<file>, or REDIS_URL=<url> of one that is flushed
	@npx vitest run

test-matrix: build redis ## Run the tests on Redis 8.0, Valkey 8.1 and 9.1 (packages of Debian), and in containers: ONLY=valkey
	@node --import tsx test/tools/matrix/main.ts

coverage: build redis ## Print what no test runs: lines and branches of src and cli, statements of the Lua functions
	@npx tsc -b tsconfig.build.json --inlineSourceMap
	@rm -rf coverage && mkdir -p coverage/processes
	@export LUA_COVERAGE=coverage/lua PROCESS_COVERAGE='$(CURDIR)/coverage/processes'; \
	npx vitest run --coverage; failed=$$?; node --import tsx test/tools/cover/main.ts && exit $$failed

histories: setup redis ## Compare random histories of calls with a model of the promises: HISTORIES=5000, SEED=n for those that were printed
	@HISTORIES=$(or $(HISTORIES),5000) npx vitest run test/property/history.test.ts

# Servers of its own, since a fault may keep one busy for ever.
mutants: setup server ## Put small faults into the Lua files, one by one, and see that a test catches each: SAMPLE=800 or all, SEED=n for others, only=forward
	@node --import tsx test/tools/mutants/main.ts $(if $(only),--only '$(only)') $(if $(SAMPLE),--sample '$(SAMPLE)') $(if $(SEED),--seed '$(SEED)')

check: setup luacheck ## Types, lint, format, unused code, Lua, generated files
	@npx tsc --noEmit -p .
	@npx biome check .
	@node lua/build/main.mjs --check
	@node lua/build/main.mjs --dist && luacheck -q dist/rapidfire.lua
	@npx knip

# Servers of its own, since Redis itself is killed.
chaos: setup server ## Kill, stop and starve everything for MINUTES=3, STAGE=server, cluster or all, and judge what came of it; SEED=n strikes the same again, EVENTS=1 compares events
	@MINUTES=$(MINUTES) SEED=$(SEED) STAGE=$(STAGE) ONLY='$(ONLY)' EVENTS=$(EVENTS) node --import tsx test/tools/chaos/main.ts

instructions: setup server valgrind ## Count the machine instructions of each call, alone: ONLY=add; RECORD=1 keeps them for the tests to compare with
	@node --import tsx test/tools/instructions/main.ts

bench: build redis test/tools/bench/node_modules/.package-lock.json ## Measure, beside other systems; QUICK=1, FULL=1, ONLY=add,drain
	@node --import tsx test/tools/bench/main.ts

test/tools/bench/node_modules/.package-lock.json: test/tools/bench/package.json test/tools/bench/package-lock.json
	@echo "Installing what the bench compares with"
	@npm ci --prefix test/tools/bench --no-fund --no-audit --loglevel error
	@touch $@

build: setup ## Compile into dist/
	@npm run --silent build

setup: node_modules/.package-lock.json ## Install the npm packages of the lockfile

node_modules/.package-lock.json: package.json package-lock.json
	@echo "Installing the npm packages"
	@npm ci --no-fund --no-audit --loglevel error
	@touch $@

# What the user names comes first; what is found is used; only then something is installed.
has_server = [ -n "$$REDIS_BINARY" ] || command -v redis-server >/dev/null || command -v valkey-server >/dev/null

redis: ## Install Redis when none is found
	@if [ -n "$$REDIS_URL" ] || $(has_server); then exit 0; fi; \
	$(call install,redis-server,redis,docker)

# A server of its own is what the demo shows: neither REDIS_URL nor a container will do.
server:
	@if $(has_server); then exit 0; fi; \
	$(call install,redis-server,redis)

luacheck:
	@if command -v luacheck >/dev/null; then exit 0; fi; \
	$(call install,lua-check,luacheck)

valgrind:
	@if command -v valgrind >/dev/null; then exit 0; fi; \
	$(call install,valgrind,valgrind)

# $(1): name in Debian, $(2): name in Homebrew, $(3): docker where a container does as well. Another apt that runs is waited for, 5 minutes at most.
define install
	if command -v apt-get >/dev/null; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  echo "Installing $(1) with $${sudo:+sudo }apt-get"; \
	  apt() { \
	    for try in $$(seq 60); do \
	      said=$$($$sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq "$$@" 2>&1) && return; \
	      case $$said in *'Could not get lock'*) ;; *) break;; esac; \
	      [ $$try != 1 ] || echo "Another apt is running: waiting for it"; \
	      sleep 5; \
	    done; \
	    echo "$$said"; return 1; \
	  }; \
	  apt update && apt install -y --no-install-recommends $(1); \
	elif command -v brew >/dev/null; then \
	  echo "Installing $(2) with brew"; brew install $(2); \
	elif [ "$(3)" = docker ] && command -v docker >/dev/null; then \
	  echo "No $(1) and no package manager that is known here: using Docker"; \
	else \
	  echo "$(1) is missing: install it and run make again"; exit 1; \
	fi
endef

clean: ## Remove what was built and installed
	rm -rf dist coverage .demo node_modules test/tools/bench/dist test/tools/bench/node_modules
