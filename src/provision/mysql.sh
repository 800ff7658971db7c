# Makes a project's database and user on a shared MySQL or MariaDB server, or brings them up to date. Running it again
# changes nothing but the password, to the one that is given.
#
# All that differs comes from the environment. Passwords go to the client in the environment and to the server through a
# pipe: they are never an argument, nor in the log.
export LC_ALL=C

fail() {
  echo "$*" >&2
  exit 1
}

# identifier WHAT VALUE LONGEST
identifier() {
  case "$2" in
    '' | [0-9]* | *[!A-Za-z0-9_]*) fail "the name of the $1 must consist of letters, digits and _, and not begin with a digit" ;;
  esac
  [ "${#2}" -le "$3" ] || fail "the name of the $1 is longer than $3"
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

identifier database "$DATABASE" 64
identifier user "$DATABASE_USER" 32
case "$(lower "$DATABASE")" in
  mysql | sys | information_schema | performance_schema | ndbinfo | innodb) fail "the database $DATABASE belongs to the server" ;;
esac
case "$(lower "$DATABASE_USER")" in
  root | mysql | mariadb | admin | rdsadmin | azure_superuser | cloudsqladmin) fail "the user $DATABASE_USER belongs to the server" ;;
esac
[ "$(lower "$DATABASE_USER")" != "$(lower "$ADMIN_USER")" ] || fail "the user of the project is the one that provisions"
case "$DATABASE_PASSWORD" in
  '' | *[[:cntrl:]]*) fail "the password is empty, or holds characters that cannot be typed" ;;
esac

# The CA that was given, and those that the image trusts, in one file.
authority() {
  for file in /etc/provisioning/ca/ca.crt /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    if [ -r "$file" ]; then
      cat "$file"
      echo
    fi
  done >"$SCRATCH/authority"
  [ -s "$SCRATCH/authority" ] || fail "the image has no list of CAs: name the one of the server in tls.ca"
  echo "$SCRATCH/authority"
}

# Options of the connection; none of them holds a blank.
case "$ENGINE $TLS" in
  'mysql disabled') client=mysql options='--ssl-mode=PREFERRED --get-server-public-key' ;;
  'mysql unverified') client=mysql options='--ssl-mode=REQUIRED' ;;
  'mysql required') client=mysql options="--ssl-mode=VERIFY_IDENTITY --ssl-ca=$(authority)" ;;
  'mariadb disabled') client=mariadb options='--skip-ssl' ;;
  'mariadb unverified') client=mariadb options='--ssl --skip-ssl-verify-server-cert' ;;
  'mariadb required') client=mariadb options="--ssl --ssl-verify-server-cert --ssl-ca=$(authority)" ;;
  *) fail "unknown server $ENGINE $TLS" ;;
esac
# The metadata server's client knows no other plugin; MariaDB's own default is this one under another name.
case "$ENGINE" in
  mysql) identified='IDENTIFIED WITH mysql_native_password BY' ;;
  *) identified='IDENTIFIED BY' ;;
esac
case "$TLS" in
  disabled) require=NONE ;;
  *) require=SSL ;;
esac

export MYSQL_PWD="$ADMIN_PASSWORD"
# Sends statements; prints rows as they are, without headings. The server's own mode may have other quotes and escapes.
ask() {
  "$client" --no-defaults --protocol=TCP --host="$HOST" --port="$PORT" --user="$ADMIN_USER" $options \
    --init-command="SET SESSION sql_mode = ''" --connect-timeout=20 --default-character-set=utf8mb4 --batch --raw --skip-column-names
}

account="'$DATABASE_USER'@'%'"

# In a grant, _ stands for any character: kfp_a_b would open kfp_a1b. A server with partial revokes takes it literally.
pattern=$(printf '%s' "$DATABASE" | sed 's/_/\\_/g')
partial=$(printf '%s\n' "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'" | ask)
case "$partial" in
  *ON) pattern=$DATABASE ;;
esac

# An account that has other rights is somebody else's, and must not get this password.
held=
wide=
exists=$(printf '%s\n' "SELECT COUNT(*) FROM mysql.user WHERE user = '$DATABASE_USER' AND host = '%'" | ask)
if [ "$exists" != 0 ]; then
  grants=$(printf '%s\n' "SHOW GRANTS FOR $account" | ask)
  while IFS= read -r grant; do
    case "$grant" in
      *'WITH GRANT OPTION'*) fail "$account exists and may grant rights to others: it is not this project's" ;;
      'GRANT USAGE ON *.* TO '*) ;;
      "GRANT ALL PRIVILEGES ON \`$pattern\`.* TO "*) held=1 ;;
      "GRANT ALL PRIVILEGES ON \`$DATABASE\`.* TO "*) held=1 wide=1 ;;
      *) fail "$account exists and has rights beyond the database $DATABASE: it is not this project's" ;;
    esac
  done <<END
$grants
END
fi

# So is a database that others may use already.
if [ -z "$held" ]; then
  # In a text, \_ is both characters.
  others=$(printf '%s\n' "SELECT COUNT(*) FROM mysql.db WHERE db IN ('$DATABASE', '$pattern') AND NOT (user = '$DATABASE_USER' AND host = '%')" | ask)
  [ "$others" = 0 ] || fail "other accounts have rights in the database $DATABASE: it is not this project's"
fi

# As text between quotes.
password=$(printf '%s' "$DATABASE_PASSWORD" | sed "s/[\\\\']/\\\\&/g")
ask <<END
CREATE DATABASE IF NOT EXISTS \`$DATABASE\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS $account $identified '$password' REQUIRE $require;
ALTER USER $account $identified '$password' REQUIRE $require;
GRANT ALL PRIVILEGES ON \`$pattern\`.* TO $account;
END
if [ -n "$wide" ]; then
  printf '%s\n' "REVOKE ALL PRIVILEGES ON \`$DATABASE\`.* FROM $account" | ask
fi
echo "the database $DATABASE and its user $account are ready"
