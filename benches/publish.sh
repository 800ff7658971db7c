#!/usr/bin/env bash
# Times a publish side by side with `git add -A && git commit`, in one run, and prints ratios.
#
#   benches/publish.sh [N]        N projects, 1000 by default
#
# What is compared, for a first publish, for one in which every file of every project has changed, and for one project:
# - publish: the library, from rendered directories in memory to the moved branch, pack synced
# - git:     `git add -A && git commit` of the same files, on disk already, in a repository of its own
# Both make the same trees, which is checked. Writing the files to disk, which Git needs and we do not, is not counted.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet
tenantry=$PWD/target/release/tenantry
bench=$(cargo bench --quiet --bench publish --no-run --message-format json |
  sed -n 's/.*"executable":"\([^"]*publish[^"]*\)".*/\1/p')

export HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com

# Three trees: a fleet, the same with every file changed, and that with one project changed.
mkdir -p "$work/fleet"
cp -r base "$work/fleet/base"
{
  echo 'version: 1'
  echo 'platform: {base: kfp-2.17.0}'
  echo 'projects:'
  for i in $(seq 1 "$count"); do echo "- {name: team-$i}"; done
} >"$work/fleet/projects.yaml"
(cd "$work/fleet" && "$tenantry" render --quiet)
mv "$work/fleet/overlays" "$work/one"
cp -r "$work/one" "$work/all"
find "$work/all" -name '*.yaml' -exec sed -i 's/^kind: /kind:  /' {} +
cp -r "$work/all" "$work/single"
sed -i 's/^kind:  /kind:   /' "$work/single/in-cluster/team-1/"*.yaml

git init -q --bare -b main "$work/ours.git"
"$bench" "$work/ours.git" "$work/one" "$work/all" "$work/single" "$work/single" >"$work/ours"

git init -q -b rendered "$work/theirs"
: >"$work/git"
for tree in one all single single; do
  rm -rf "$work/theirs/overlays"
  cp -r "$work/$tree" "$work/theirs/overlays"
  # The index that belongs to the tree, which the publish has made.
  revision=rendered
  case $tree in one) revision=rendered~2 ;; all) revision=rendered~1 ;; esac
  git -C "$work/ours.git" cat-file blob "$revision:overlays/index.json" >"$work/theirs/overlays/index.json"
  sync
  start=$(date +%s.%N)
  git -C "$work/theirs" add -A
  git -C "$work/theirs" commit -q --allow-empty -m Render
  end=$(date +%s.%N)
  awk -v a="$start" -v b="$end" 'BEGIN {printf "%.4f\n", b - a}' >>"$work/git"
  ours=$(git -C "$work/ours.git" rev-parse "$revision^{tree}")
  theirs=$(git -C "$work/theirs" rev-parse "HEAD^{tree}")
  [ "$ours" = "$theirs" ] || { echo "the trees of $tree differ: $ours $theirs" >&2; exit 1; }
done
git -C "$work/ours.git" fsck --strict >/dev/null

paste -d ' ' "$work/ours" "$work/git" | awk -v n="$count" 'BEGIN {
  split("first publish,every file changed,one project changed,nothing changed", names, ",")
}
{
  if (NR == 1) printf "%d projects, %.1f MB\n", n, $3 / 1e6
  printf "%-22s publish %7.3f s   git add, git commit %7.3f s   %.1fx as fast\n", names[NR], $1, $4, $4 / $1
}'
