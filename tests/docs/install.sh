#!/usr/bin/env bash
# Builds actionlint, which checks the workflows in the documents, into .tools/bin: once, in the version below. Without Go it
# says so and succeeds, and that check is skipped; with REQUIRE_ACTIONLINT=1 it fails instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=1.7.12
bin="$PWD/.tools/bin"

if [ -x "$bin/actionlint" ] && [ "$("$bin/actionlint" -version | head -n 1 | tr -d v)" = "$version" ]; then exit; fi
if ! command -v go >/dev/null; then
  echo 'actionlint is not available: it is built with Go (https://go.dev/doc/install)' >&2
  [ "${REQUIRE_ACTIONLINT:-}" != 1 ]
  exit
fi
echo "Installing actionlint $version: checks the workflows in the documents (builds once, about 30 s)"
mkdir -p "$bin"
CGO_ENABLED=0 GOWORK=off GOBIN="$bin" go install "github.com/rhysd/actionlint/cmd/actionlint@v$version"
