#!/usr/bin/env bash
# Builds the runners and the Gitea server of these tests once, into .tools: the versions that tools/ pins. If it cannot
# (it needs Go), it says so and succeeds, and tests are skipped; with REQUIRE_RUNNERS=1 it fails instead.
set -euo pipefail
cd "$(dirname "$0")"
root="$(cd ../.. && pwd)"
tools="$PWD/tools"
bin="$root/.tools/bin"
export CGO_ENABLED=0 GOWORK=off

missing=0

# skip BINARY WHY: the tests that need it are skipped.
skip() {
  echo "$1 is not available: $2" >&2
  missing=1
}

# install BINARY WHAT: runs build_BINARY, unless its steps and its pinned versions have been built already.
install() {
  local steps build="build_${1//-/_}" stamp="$bin/$1.stamp"
  steps="$({ declare -f build "$build" && cat "tools/$1/go.mod" "tools/$1/go.sum"; } | git hash-object --stdin)"
  [ -x "$bin/$1" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$steps" ] && return
  rm -f "$bin/$1" "$stamp"
  if ! command -v go >/dev/null; then skip "$1" 'it is built with Go (https://go.dev/doc/install)'; return; fi
  echo "$1: $2"
  # In the background, since Bash ignores `set -e` in what `if` and `||` run.
  "$build" &
  if wait $!; then echo "$steps" >"$stamp"; else skip "$1" 'it did not build'; fi
}

# build FOLDER PACKAGE BINARY [VARIABLE=VALUE]: links the value, a version, into the binary.
build() {
  go build -C "$1" -buildvcs=false -trimpath -ldflags "-s -w ${4:+-X $4}" -o "$bin/$3" "$2"
}

# version TOOL MODULE: the version that the tool's go.mod pins.
version() {
  sed -n "s|^.*[[:space:]]$2 \(v[^ ]*\).*|\1|p" "$tools/$1/go.mod"
}

build_act() {
  build "$tools/act" github.com/nektos/act act
}

build_gitea_runner() {
  local module=gitea.com/gitea/runner
  build "$tools/gitea-runner" $module gitea-runner "$module/internal/pkg/ver.version=$(version gitea-runner $module)"
}

# The server without its frontend. Go's module proxy lacks the modules for importing repositories from GitLab and Gitea,
# which is left out, and has the runners' protocol under its former name only.
build_gitea() {
  local module=code.gitea.io/gitea protocol=code.gitea.io/actions-proto-go source="$root/.tools/gitea-source" version folder
  version="$(version gitea $module)"
  folder="$(download gitea "$module@$version")"
  rm -rf "$source" "$root/.tools/gitea"
  cp -r "$folder" "$source"
  chmod -R u+w "$source"
  rm "$source"/services/migrations/{gitlab,gitea_downloader}*.go
  go mod edit -replace "gitea.dev/actions-proto-go=$protocol@$(version gitea $protocol)" "$source/go.mod"
  grep "^$protocol " "$tools/gitea/go.sum" >>"$source/go.sum"
  go mod edit -droprequire gitea.dev/sdk -droprequire gitlab.com/gitlab-org/api/client-go/v2 "$source/go.mod"
  build "$source" . gitea "main.Version=${version#v}"
  mkdir "$root/.tools/gitea"
  mv "$source"/{options,templates,public} "$root/.tools/gitea/"
  rm -rf "$source"
}

# From its public module, or from an archive of its source: Go's module proxy lacks the module, and that of its protocol,
# which Gitea's protocol replaces.
build_forgejo_runner() {
  local module=code.forgejo.org/forgejo/runner/v12 protocol=code.gitea.io/actions-proto-go
  local source="$root/.tools/forgejo-runner-source" archive version folder
  archive="${FORGEJO_RUNNER_SOURCE:-$(forgejo_archive)}"
  version="$(version forgejo-runner $module)"
  rm -rf "$source"
  if [ -n "$archive" ]; then
    mkdir "$source"
    tar --extract --file "$archive" --directory "$source"
    grep --recursive --files-with-matches --include='*.go' code.forgejo.org/forgejo/actions-proto "$source" |
      xargs sed -i.orig "s|code.forgejo.org/forgejo/actions-proto|$protocol|"
    go mod edit -droprequire code.forgejo.org/forgejo/actions-proto \
      -require "$protocol@$(version forgejo-runner $protocol)" "$source/go.mod"
    cat "$tools/forgejo-runner/go.sum" >>"$source/go.sum"
    version="${version%%.*} from source"
  else
    folder="$(download forgejo-runner "$module@$version")"
    cp -r "$folder" "$source"
    chmod -R u+w "$source"
  fi
  build "$source" . forgejo-runner "'$module/internal/pkg/ver.version=$version'"
  rm -rf "$source"
}

# forgejo_archive: prints the path of the archive next to this repository, or to the one that it was cloned from.
forgejo_archive() {
  local repository archive
  for repository in "$root" "$(git remote get-url origin 2>/dev/null || true)"; do
    archive="${repository#file://}/../shared/vendor/forgejo-runner.tar.gz"
    if [ -e "$archive" ]; then echo "$archive"; return; fi
  done
}

# download TOOL MODULE@VERSION: prints the folder with the module's source, verified by go.sum or Go's checksum database.
download() {
  local json
  json="$(go mod download -C "$tools/$1" -json "$2")" || { echo "$json" >&2; return 1; }
  sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$json"
}

mkdir -p "$bin"
install act 'runs workflows on a developer machine (builds once, about 1 minute)'
install gitea-runner 'the runner of Gitea (builds once, about 1 minute)'
install forgejo-runner 'the runner of Forgejo (builds once, about 1 minute)'
install gitea 'the server that both take their jobs from (builds once, about 5 minutes)'
[ "$missing" = 0 ] || [ "${REQUIRE_RUNNERS:-}" != 1 ]
