#!/usr/bin/env bash
# Installs the linters of the workflows once, into .tools. If it cannot, it says so and succeeds, and their checks are skipped;
# with REQUIRE_LINTERS=1 it fails instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="$PWD/.tools"
actionlint=1.7.12
zizmor=1.32.0

missing=0

# install NAME VERSION WHAT: runs install_NAME, unless that version has been installed already.
install() {
  local stamp="$tools/$1.stamp" log="$tools/$1.log"
  [ "$(cat "$stamp" 2>/dev/null)" = "$2" ] && return
  rm -f "$stamp"
  echo "Installing $1 $2: $3"
  # In the background, since Bash ignores `set -e` in what `if` and `||` run.
  "install_$1" "$2" >"$log" 2>&1 &
  if wait $!; then
    echo "$2" >"$stamp"
  else
    cat "$log" >&2
    missing=1
  fi
}

install_actionlint() {
  command -v go || { echo 'actionlint is not available: it is built with Go (https://go.dev/doc/install)'; return 1; }
  CGO_ENABLED=0 GOWORK=off GOBIN="$tools/bin" go install "github.com/rhysd/actionlint/cmd/actionlint@v$1"
}

install_zizmor() {
  command -v python3 || { echo 'zizmor is not available: it is installed with Python 3 (https://www.python.org/downloads/)'; return 1; }
  rm -rf "$tools/zizmor"
  python3 -m venv "$tools/zizmor"
  "$tools/zizmor/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "zizmor==$1"
}

mkdir -p "$tools/bin"
install actionlint "$actionlint" 'checks the syntax, the expressions and the inputs of workflows (once, requires Go)'
install zizmor "$zizmor" 'finds insecure settings in workflows (once, requires Python 3)'
[ "$missing" = 0 ] || [ "${REQUIRE_LINTERS:-}" != 1 ]
