# A thin front to Meson: `make` builds, `make test` tests, `make demo` shows the main job. Each
# installs what it lacks from Debian first (tools/install-deps).
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: all build test demo bench install format clean deps

all: build

deps:
	@tools/install-deps build

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) --prefix=$(PREFIX) >/dev/null || { rm -rf $(BUILD); exit 1; }

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS)

test:
	@tools/install-deps build test
	@tools/run-tests.py

demo: build
	@tools/install-deps demo
	@demos/demo.sh $(BUILD)

bench: build
	@tools/install-deps bench
	@bench/run.sh $(BUILD)

install: build
	@meson install -C $(BUILD)

format:
	@find src include tests bench demos -name '*.[ch]' ! -path '*/corpus/*' -print0 | xargs -0 clang-format -i

clean:
	@rm -rf build build-asan build-tsan build-fuzz demo-out bench-out
