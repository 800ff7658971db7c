# Makes a bucket by the S3 API when it is not there.
#
# All that differs comes from the environment; the keys go to curl in a file that is kept in memory.
export LC_ALL=C
umask 077

fail() {
  echo "$*" >&2
  exit 1
}

case "$ADMIN_ACCESS_KEY$ADMIN_SECRET_KEY" in
  *[[:cntrl:]]*) fail "the keys hold characters that cannot be typed" ;;
esac
case "$ADMIN_ACCESS_KEY" in
  '' | *:*) fail "the access key is empty, or holds a colon" ;;
esac

# As text between double quotes in a configuration of curl.
escape() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }

{
  printf 'user = "%s:%s"\n' "$(escape "$ADMIN_ACCESS_KEY")" "$(escape "$ADMIN_SECRET_KEY")"
  # Besides those that the image trusts.
  if [ -r /etc/provisioning/ca/ca.crt ]; then
    for file in /etc/provisioning/ca/ca.crt "${CURL_CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}"; do
      if [ -r "$file" ]; then
        cat "$file"
        echo
      fi
    done >"$SCRATCH/authority"
    printf 'cacert = "%s"\n' "$SCRATCH/authority"
  fi
} >"$SCRATCH/curl"

# Prints the status of an answer; the answer itself goes to a file.
ask() {
  curl --config "$SCRATCH/curl" --aws-sigv4 "aws:amz:$REGION:s3" --silent --show-error --connect-timeout 20 --max-time 60 \
    --output "$SCRATCH/answer" --write-out '%{http_code}' "$@" "$BUCKET_URL"
}

status=$(ask --head)
case "$status" in
  200)
    echo "the bucket $BUCKET is there"
    exit 0
    ;;
  301 | 307) fail "the bucket $BUCKET is there, in another region than $REGION" ;;
  403) fail "the bucket $BUCKET is there and belongs to somebody else, or the account of the provisioning Jobs may not look at it" ;;
  404) ;;
  *) fail "looking for the bucket $BUCKET: the store answers $status" ;;
esac

if [ -n "${LOCATION:-}" ]; then
  printf '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>' \
    "$LOCATION" >"$SCRATCH/body"
else
  : >"$SCRATCH/body"
fi
status=$(ask --request PUT --header 'Content-Type: application/xml' --data-binary "@$SCRATCH/body")
case "$status" in
  200 | 201 | 204) echo "made the bucket $BUCKET" ;;
  409)
    # Another Job may have been faster; a bucket that this account may look at is its own.
    [ "$(ask --head)" = 200 ] || fail "the bucket $BUCKET belongs to somebody else"
    echo "the bucket $BUCKET is there"
    ;;
  *)
    cat "$SCRATCH/answer" >&2
    fail "making the bucket $BUCKET: the store answers $status"
    ;;
esac
