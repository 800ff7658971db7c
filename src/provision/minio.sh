# Makes a bucket in MinIO, and a user who may do everything below a project's prefix in it and nothing elsewhere.
# Running it again changes nothing but the user's secret key, to the one that is given.
#
# All that differs comes from the environment; keys go to mc through pipes. The image has a shell and little else.
export LC_ALL=C MC_CONFIG_DIR="$SCRATCH/mc" MC_JSON=off
umask 077

fail() {
  echo "$*" >&2
  exit 1
}

case "$ADMIN_ACCESS_KEY$ADMIN_SECRET_KEY$ACCESS_KEY$SECRET_KEY" in
  *[[:cntrl:]]*) fail "the keys hold characters that cannot be typed" ;;
esac
case "$ACCESS_KEY" in
  '' | *[!A-Za-z0-9._+=/@-]*) fail "the access key must consist of letters, digits and . _ + = / @ -" ;;
  -*) fail "the access key must not begin with -" ;;
  "$ADMIN_ACCESS_KEY") fail "the access key of the project is the one that provisions" ;;
esac
[ "${#SECRET_KEY}" -ge 8 ] || fail "the secret key must have 8 characters"

if [ -r /etc/provisioning/ca/ca.crt ]; then
  mkdir -p "$MC_CONFIG_DIR/certs/CAs"
  cat /etc/provisioning/ca/ca.crt >"$MC_CONFIG_DIR/certs/CAs/ca.crt"
fi
printf '%s\n%s\n' "$ADMIN_ACCESS_KEY" "$ADMIN_SECRET_KEY" | mc --quiet alias set store "$ENDPOINT" --api S3v4 --path "$PATH_STYLE" >/dev/null
mc --quiet mb --ignore-existing --region "$REGION" "store/$BUCKET"

# A user that has other rights is somebody else's, and must not get this key.
if user=$(mc --json admin user info store "$ACCESS_KEY" 2>&1); then
  case "$user" in
    *'"policyName":"'"$POLICY_NAME"'"'* | *'"policyName":""'*) ;;
    *'"policyName"'*) fail "the user of this access key has other policies: it is not this project's" ;;
  esac
  case "$user" in
    *'"memberOf":['[!]]*) fail "the user of this access key is in a group: it is not this project's" ;;
  esac
else
  case "$user" in
    *NoSuchUser* | *'does not exist'*) ;;
    *) fail "looking for the user: $user" ;;
  esac
fi

printf '%s' "$POLICY" >"$SCRATCH/policy.json"
mc --quiet admin policy create store "$POLICY_NAME" "$SCRATCH/policy.json"
printf '%s\n%s\n' "$ACCESS_KEY" "$SECRET_KEY" | mc --quiet admin user add store >/dev/null
if ! answer=$(mc --quiet admin policy attach store "$POLICY_NAME" --user "$ACCESS_KEY" 2>&1); then
  case "$answer" in
    *'already in effect'*) ;;
    *) fail "attaching the policy: $answer" ;;
  esac
fi
echo "the bucket $BUCKET and a user with the policy $POLICY_NAME are ready"
