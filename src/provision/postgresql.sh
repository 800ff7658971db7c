# Makes a project's database and role on a shared PostgreSQL server, or brings them up to date. Running it again changes
# nothing but the password, to the one that is given.
#
# All that differs comes from the environment, from which psql reads it by itself: passwords are never an argument.
export LC_ALL=C

fail() {
  echo "$*" >&2
  exit 1
}

# identifier WHAT VALUE
identifier() {
  case "$2" in
    '' | [0-9]* | *[!A-Za-z0-9_]*) fail "the name of the $1 must consist of letters, digits and _, and not begin with a digit" ;;
  esac
  # The server cuts longer ones, and two could become one.
  [ "${#2}" -le 63 ] || fail "the name of the $1 is longer than 63"
}

identifier database "$DATABASE"
identifier user "$DATABASE_USER"
case "$DATABASE" in
  postgres | template0 | template1) fail "the database $DATABASE belongs to the server" ;;
esac
case "$DATABASE_USER" in
  postgres | public | admin | rdsadmin | azure_superuser | cloudsqladmin | pg_*) fail "the user $DATABASE_USER belongs to the server" ;;
esac
[ "$DATABASE_USER" != "$ADMIN_USER" ] || fail "the user of the project is the one that provisions"
case "$DATABASE_PASSWORD" in
  '' | *[[:cntrl:]]*) fail "the password is empty, or holds characters that cannot be typed" ;;
esac

export PGHOST="$HOST" PGPORT="$PORT" PGUSER="$ADMIN_USER" PGPASSWORD="$ADMIN_PASSWORD" PGDATABASE=postgres PGCONNECT_TIMEOUT=20
psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'END'
\getenv database DATABASE
\getenv role DATABASE_USER
\getenv password DATABASE_PASSWORD

-- A role that has other rights is somebody else's, and must not get this password; nor may a database of others become the project's.
SELECT EXISTS (
  SELECT FROM pg_roles WHERE rolname = :'role' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
) OR EXISTS (
  SELECT FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE rolname = :'role'
) OR EXISTS (
  SELECT FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = :'role' AND datname <> :'database'
) AS foreign_role,
EXISTS (
  SELECT FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = :'database' AND rolname <> :'role'
) AS foreign_database \gset
\if :foreign_role
  \warn 'the role has rights beyond its database, and is not the project''s own'
  SELECT 1 / 0 AS refused;
\endif
\if :foreign_database
  \warn 'the database belongs to another role, and is not the project''s own'
  SELECT 1 / 0 AS refused;
\endif

SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" WITH LOGIN PASSWORD :'password';
-- Whoever is no superuser may only make databases for roles that it is a member of.
SELECT format('GRANT %I TO CURRENT_USER', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
  AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER) \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
-- Every role could connect otherwise.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
END
echo "the database $DATABASE and its role $DATABASE_USER are ready"
