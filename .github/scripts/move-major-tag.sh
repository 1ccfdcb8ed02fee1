#!/usr/bin/env bash
# Moves the major tag, such as v2, to a release: move-major-tag.sh v2.2.0 [REMOTE]
# Only forward: if the major tag is at a newer release, it stays there. Running it again changes nothing.
set -euo pipefail
tag="${1:?usage: move-major-tag.sh TAG [REMOTE]}"
remote="${2:-origin}"

fail() {
  echo "$1" >&2
  exit 1
}

[[ "$tag" =~ ^(v[0-9]+)\.[0-9]+\.[0-9]+$ ]] || fail "$tag is not a version such as v1.2.3"
major="${BASH_REMATCH[1]}"
refs="$(git ls-remote --tags "$remote")"

# object TAG: what the tag names on the remote. commit TAG: its commit, also for an annotated tag, which the remote lists
# a second time as TAG^{}.
object() { awk -v ref="refs/tags/$1" '$2 == ref { print $1 }' <<<"$refs"; }
commit() { awk -v ref="refs/tags/$1" '$2 == ref || $2 == ref "^{}" { id = $1 } END { print id }' <<<"$refs"; }

# versions COMMIT: the releases of this major version at a commit, oldest first.
versions() {
  local name
  for name in $(sed -n 's|^.*\trefs/tags/\(v[0-9]*\.[0-9]*\.[0-9]*\)$|\1|p' <<<"$refs" | sort --version-sort); do
    if [[ "$name" == "$major".* && "$(commit "$name")" == "$1" ]]; then echo "$name"; fi
  done
}

release="$(commit "$tag")"
[ -n "$release" ] || fail "$remote has no tag $tag"
[ "$release" = "$(git rev-parse HEAD)" ] || fail "$tag is at $release on $remote, not at the checked out commit"

current="$(commit "$major")"
if [ "$current" = "$release" ]; then
  echo "$major is at $tag already"
  exit
fi
if [ -n "$current" ]; then
  version="$(versions "$current" | tail -n 1)"
  [ -n "$version" ] || fail "$major is at $current, which is no release. Fix: move it to a release manually, and re-run the job."
  if [ "$(printf '%s\n' "$version" "$tag" | sort --version-sort | tail -n 1)" = "$version" ]; then
    echo "$major stays at $version, which is newer than $tag"
    exit
  fi
fi
# Refused if the major tag has moved in the meantime. GitHub also refuses a workflow's token if the workflows of the release are
# not those of any branch, that is, if main has changed them since.
git push --quiet --force-with-lease="refs/tags/$major:$(object "$major")" "$remote" "$release:refs/tags/$major" ||
  fail "Cannot move $major. Fix: move it manually: git push --force $remote $release:refs/tags/$major"
echo "Moved $major to $tag${version:+ from $version}"
