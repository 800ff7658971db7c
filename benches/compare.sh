#!/usr/bin/env bash
# Times a full render side by side with `kubectl kustomize` and `cp -r`, in one run, and prints ratios.
#
#   benches/compare.sh [N]        N projects, 1000 by default
#
# What is compared:
# - render:  `tenantry render` of N projects into an empty directory, and again with nothing changed
# - kustomize: one `kubectl kustomize` of one stack: the objects that we render for one project as resources,
#   with a namespace, labels and a patch for each of the four storage consumers on top
# - cp:      `cp -r` of the rendered tree on the same file system
# Peak memory comes from GNU time or, without it, from /proc.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet
tenantry=$PWD/target/release/tenantry

# A fleet with every fourth project of another storage choice.
mkdir -p "$work/fleet"
cp -r base "$work/fleet/base"
{
  cat <<'YAML'
version: 1
platform: {base: kfp-2.17.0}
databases:
  central: {engine: mysql, host: mysql.databases.svc.cluster.local, credentials: {secret: {name: db, keys: {password: password}}}}
objectStores:
  lake: {provider: s3, endpoint: https://s3.eu-west-1.amazonaws.com, region: eu-west-1, bucket: ml-lake, credentials: {secret: {name: s3, keys: {accessKey: a, secretKey: s}}}}
projects:
YAML
  for i in $(seq 1 "$count"); do
    case $((i % 4)) in
      0) echo "- {name: team-$i}" ;;
      1) echo "- {name: team-$i, database: central, objectStore: lake}" ;;
      2) echo "- {name: team-$i, database: {embedded: {engine: mysql}}, objectStore: lake}" ;;
      3) echo "- {name: team-$i, database: central, objectStore: {embedded: {engine: minio}}}" ;;
    esac
  done
} >"$work/fleet/projects.yaml"

# Prints seconds and peak kilobytes of a command.
measure() {
  python3 - "$@" <<'PY'
import os, sys, time
start = time.monotonic()
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
if status:
    sys.exit(f"{sys.argv[1:]} failed with status {status}")
print(f"{time.monotonic() - start:.4f} {usage.ru_maxrss}")
PY
}

cd "$work/fleet"
read -r first memory < <(measure "$tenantry" render --quiet)
read -r again _ < <(measure "$tenantry" render --quiet)
read -r check _ < <(measure "$tenantry" render --check --quiet)
sync
read -r copy _ < <(measure cp -r overlays "$work/copy")

# One stack for kustomize: the embedded project's objects, without their namespace.
mkdir -p "$work/kustomize"
cat overlays/in-cluster/team-4/*.yaml | sed '/^  namespace: team-4$/d; s/^apiVersion:/---\napiVersion:/' >"$work/kustomize/objects.yaml"
objects=$(grep -c '^apiVersion:' "$work/kustomize/objects.yaml")
cat >"$work/kustomize/kustomization.yaml" <<'YAML'
resources: [objects.yaml]
namespace: team-4
labels:
- pairs: {tenantry.dev/project: team-4}
patches:
- target: {kind: Deployment, name: ml-pipeline}
  patch: |
    [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]
- target: {kind: Deployment, name: ml-pipeline-ui}
  patch: |
    [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]
- target: {kind: Deployment, name: metadata-grpc-deployment}
  patch: |
    [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]
- target: {kind: ConfigMap, name: kfp-launcher}
  patch: |
    [{"op": "add", "path": "/data/x", "value": "y"}]
YAML
kustomize=
if command -v kubectl >/dev/null; then
  best=999
  for _ in 1 2 3; do
    read -r seconds _ < <(measure kubectl kustomize "$work/kustomize")
    best=$(awk -v a="$best" -v b="$seconds" 'BEGIN {print (b < a) ? b : a}')
  done
  kustomize=$best
fi

files=$(find overlays -type f | wc -l)
awk -v n="$count" -v files="$files" -v objects="$objects" -v first="$first" -v again="$again" -v check="$check" \
  -v copy="$copy" -v kustomize="$kustomize" -v memory="$memory" 'BEGIN {
  printf "%d projects, %d files, %d objects in the largest stack\n", n, files, objects
  printf "full render      %.2f s   %.2fx cp -r", first, first / copy
  if (kustomize != "") printf "   %.2fx one kubectl kustomize", first / kustomize
  printf "   peak %.0f MiB\n", memory / 1024
  printf "nothing changed  %.2f s   %.2fx cp -r\n", again, again / copy
  printf "render --check   %.2f s   %.2fx cp -r\n", check, check / copy
  printf "cp -r            %.2f s\n", copy
  if (kustomize != "") printf "kubectl kustomize of one stack  %.2f s\n", kustomize
}'
