#!/usr/bin/env bash
# Builds the runners in the versions that tools/ pins, once. Without Go it prints a message and succeeds, and the tests are
# skipped; with REQUIRE_RUNNERS=1 it fails.
set -uo pipefail
cd "$(dirname "$0")/tools"
bin="$PWD/../../../.tools/bin"

unavailable() {
  echo "The runners are not available: $1" >&2
  [ "${REQUIRE_RUNNERS:-}" != 1 ]
  exit
}

# build FOLDER PACKAGE BINARY: the package that the go.mod in the folder pins.
build() {
  [ "$bin/$3" -nt "$1/go.mod" ] && [ "$bin/$3" -nt "$1/go.sum" ] && return
  rm -f "$bin/$3"
  command -v go >/dev/null || unavailable 'Go is required to build them (https://go.dev/doc/install)'
  local version
  version="$(go list -C "$1" -m -f '{{.Version}}' "$2")" || unavailable "Go cannot find $2"
  echo "$3 $version: runs the workflows of tests/runners (builds once, about 2 minutes)"
  # The build sets the version of Gitea's runner.
  CGO_ENABLED=0 go build -C "$1" -trimpath -ldflags "-s -w -X $2/internal/pkg/ver.version=$version" -o "$bin/$3" "$2" ||
    unavailable "$2 $version did not build"
}

mkdir -p "$bin"
build act github.com/nektos/act act
build gitea gitea.com/gitea/runner gitea-runner
