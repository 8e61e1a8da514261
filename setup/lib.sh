# Shared by the entry points, which source it: where the checkout is, messages, steps with their time.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(CDPATH='' cd -- "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BEGAN=$SECONDS

say() { printf '[%3d s] %s\n' "$((SECONDS - BEGAN))" "$*"; }

# die MESSAGE: one line of what is wrong and what to do; 2 is the suite's exit code for "it could not work".
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# need TOOL HOW: adds to `missing` what TOOL is got by, when it is not here.
missing=()
need() { command -v "$1" >/dev/null || missing+=("$1 ($2)"); }

# need_version TOOL LEAST HOW COMMAND...: the same, also when COMMAND says a version below LEAST.
need_version() {
  local tool=$1 least=$2 how=$3 said have=
  shift 3
  need "$tool" "$least or newer, $how"
  command -v "$tool" >/dev/null || return 0
  said=$("$@" 2>/dev/null) || true
  [[ $said =~ [0-9]+(\.[0-9]+)+ ]] && have=${BASH_REMATCH[0]}
  printf '%s\n' "$least" "${have:-0}" | sort --version-sort --check=silent ||
    missing+=("$tool $least or newer (${have:-an unknown version} is here, $how)")
}

# give_up_on_missing: names every missing tool at once.
give_up_on_missing() {
  [ "${#missing[@]}" = 0 ] && return
  local list
  list=$(printf '; %s' "${missing[@]}")
  die "missing: ${list:2}"
}

# others_reach PATH: whether any user may pass through every folder on the way to PATH.
others_reach() {
  local folder=$1
  while [ "$folder" != / ]; do
    if [ -d "$folder" ] && ! [ "$(($(stat -c '0%a' "$folder") & 1))" = 1 ]; then return 1; fi
    folder=$(dirname "$folder")
  done
}

# venv_home: where the virtual environment lies. Pods run as users of their own, who cannot enter a checkout
# below a home of mode 0700: root then keeps the environment outside, and .venv is a link to it.
venv_home() {
  if [ "$(id -u)" = 0 ] && ! others_reach "$ROOT"; then
    printf '/var/lib/chaos-gameday-lab/venv-%s\n' "$(printf %s "$ROOT" | sha256sum | cut -c1-16)"
  else
    printf '%s/.venv\n' "$ROOT"
  fi
}

python() { "$ROOT/.venv/bin/python" "$@"; }
