#!/usr/bin/env bash
# Builds the runners that the workflows here run on, once: the versions that tools/ pins, with all that they are made
# of. Without Go it says so and succeeds, and the tests skip; with REQUIRE_RUNNERS=1 it fails instead.
set -uo pipefail
cd "$(dirname "$0")/tools"
bin="$PWD/../../../.tools/bin"

unavailable() {
  echo "The real runners are not to be had here: $1" >&2
  [ "${REQUIRE_RUNNERS:-}" != 1 ]
  exit
}

# build FOLDER PACKAGE BINARY: the package that the go.mod in the folder pins.
build() {
  [ "$bin/$3" -nt "$1/go.mod" ] && [ "$bin/$3" -nt "$1/go.sum" ] && return
  rm -f "$bin/$3"
  command -v go >/dev/null || unavailable 'they are built with Go (https://go.dev/doc/install)'
  local version
  version="$(go list -C "$1" -m -f '{{.Version}}' "$2")" || unavailable "Go does not find $2"
  echo "$3 $version: runs the workflows of tests/runners (builds once, about 2 minutes)"
  # Gitea's runner is told its version by whoever builds it.
  CGO_ENABLED=0 go build -C "$1" -trimpath -ldflags "-s -w -X $2/internal/pkg/ver.version=$version" -o "$bin/$3" "$2" ||
    unavailable "$2 $version did not build"
}

mkdir -p "$bin"
build act github.com/nektos/act act
build gitea gitea.com/gitea/runner gitea-runner
