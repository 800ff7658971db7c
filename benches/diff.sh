#!/usr/bin/env bash
# Times `diff` of a fleet, with its peak memory, for two sizes, and prints ratios: time must grow linearly, memory not.
#
#   benches/diff.sh [N]        N projects, 1000 by default, beside a tenth of them
#
# What is compared with a tree on disk: the same inputs, one project with another quota, and an image that changes in
# every project, so that all directories are read, matched and grouped.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet
tenantry=$PWD/target/release/tenantry

# Writes a fleet of $1 projects; $2 goes to the first project, $3 above them all.
fleet() {
  echo 'version: 1'
  echo 'platform: {base: kfp-2.17.0}'
  echo "$3"
  echo 'projects:'
  echo "- {name: team-0$2}"
  for i in $(seq 1 "$(($1 - 1))"); do echo "- {name: team-$i}"; done
}

# Prints seconds of processor time and peak kilobytes of a command.
measure() {
  python3 - "$@" <<'PY'
import os, sys
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
if status:
    sys.exit(f"{sys.argv[1:]} failed with status {status}")
print(f"{usage.ru_utime + usage.ru_stime:.3f} {usage.ru_maxrss}")
PY
}

cp -r base "$work/base"
cd "$work"
for projects in $((count / 10)) "$count"; do
  rm -rf overlays
  fleet "$projects" '' '' >projects.yaml
  "$tenantry" render --quiet
  read -r same same_memory < <(measure "$tenantry" diff --quiet)
  fleet "$projects" ', quota: {pods: "9"}' '' >projects.yaml
  read -r one one_memory < <(measure "$tenantry" diff --quiet)
  fleet "$projects" '' 'defaults: {components: {ui: {image: registry.example.com/ui:2}}}' >projects.yaml
  read -r all all_memory < <(measure "$tenantry" diff --quiet)
  awk -v n="$projects" -v same="$same" -v one="$one" -v all="$all" -v a="$same_memory" -v b="$one_memory" -v c="$all_memory" 'BEGIN {
    printf "%6d projects: nothing %.2f s, %.0f MiB   one %.2f s, %.0f MiB   every project %.2f s (%.2f ms each), %.0f MiB\n",
      n, same, a / 1024, one, b / 1024, all, all * 1000 / n, c / 1024
  }'
done
