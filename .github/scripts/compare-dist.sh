#!/usr/bin/env bash
# Checks that the committed dist/ is what its sources build: compare-dist.sh REBUILT, a folder that has just been built.
# Refuses a work tree with changes: they would be in the rebuilt files, but not in the commit.
set -euo pipefail
rebuilt="${1:?usage: compare-dist.sh REBUILT}"

changes="$(git status --porcelain)"
if [ -n "$changes" ]; then
  printf 'The work tree has changes that are not in the commit:\n%s\n' "$changes" >&2
  exit 1
fi
if [ ! -d "$rebuilt" ]; then
  echo "$rebuilt does not exist: build it first" >&2
  exit 1
fi
if ! diff --recursive --brief dist "$rebuilt"; then
  echo 'The committed dist/ is not what its sources build. Fix: run make dist, and release the commit that contains the result.' >&2
  exit 1
fi
echo "dist/ of $(git rev-parse HEAD) is what its sources build"
