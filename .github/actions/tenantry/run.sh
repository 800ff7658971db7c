#!/usr/bin/env bash
# What the action does, in the environment that action.yml sets. Exits with the first status that is not 0, so that each
# status means what it means at the command line; later steps run all the same, since their findings help, too.
set -euo pipefail
# A tilde from a workflow is not expanded by anybody else.
tenantry=${TENANTRY/#\~/$HOME}
status=0

run() {
  local outcome=0
  "$tenantry" --root "$ROOT" "$@" || outcome=$?
  if [ "$status" = 0 ]; then
    status=$outcome
  fi
  return "$outcome"
}

check() {
  # Everything else would only say the same again.
  run validate --message-format github || return 0
  run render --check --message-format github || true
  if [ -z "$AGAINST" ]; then
    return 0
  fi
  local revision=$AGAINST
  # A branch, most of the time; a revision that is here already serves as well.
  if git fetch --quiet --depth 1 origin "+refs/heads/$AGAINST:refs/remotes/origin/$AGAINST"; then
    revision=origin/$AGAINST
  fi
  local page outcome=0
  page=$(mktemp)
  run diff --against "$revision" --format markdown --gate --message-format github > "$page" || outcome=$?
  if [ "$outcome" = 3 ]; then
    echo "hazards=true" >> "$GITHUB_OUTPUT"
  fi
  cat "$page" >> "$GITHUB_STEP_SUMMARY"
  if [ "$COMMENT" = true ] && [ -n "$PULL_REQUEST" ] && [ -s "$page" ]; then
    # A pull request from a fork has a token that may not comment: the summary of the run has it then.
    gh pr comment "$PULL_REQUEST" --edit-last --create-if-none --body-file "$page" \
      || echo "::notice::the comment could not be written: the summary of this run has it"
  fi
}

render() {
  # Commits to the branch at the remote, and renders again when somebody else was faster.
  run publish --push origin ${BRANCH:+--branch "$BRANCH"} --message-format github || true
}

case $MODE in
check | render) "$MODE" ;;
*)
  echo "::error::mode: \`$MODE\` is neither \`check\` nor \`render\`"
  status=2
  ;;
esac
exit "$status"
