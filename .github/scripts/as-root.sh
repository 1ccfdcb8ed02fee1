#!/usr/bin/env bash
# Runs a command as root: as-root.sh make e2e. Tests create network namespaces, and on Linux only root can.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then exec "$@"; fi
exec sudo --preserve-env env "PATH=$PATH" "$@"
