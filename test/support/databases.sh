#!/bin/sh
# Starts a Postgres, a MariaDB, a MySQL and an etcd of their own for the conformance tests, on loopback and free ports, with all data under DIR.
#
#   eval "$(test/support/databases.sh start DIR)"    sets TEST_POSTGRES_URL, TEST_MARIADB_URL, TEST_MYSQL_URL and TEST_ETCD_URL
#   test/support/databases.sh stop DIR               stops them and removes DIR
#
# What is not installed is left out (its variable stays unset, its tests show as skipped). Packages of Debian:
# postgresql, mariadb-server, etcd-server; MySQL's server is what TEST_MYSQLD names (fetch-mysql.sh gets one) or the PATH has. Runs as root (the servers then run as postgres and mysql) or as an ordinary user.
set -eu

usage() {
  echo "usage: $0 start|stop DIR" >&2
  exit 2
}

[ $# -eq 2 ] || usage
action=$1
dir=$2
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# as USER COMMAND...: as that user when we are root, as ourselves otherwise
as() {
  user=$1
  shift
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$user" --regid "$user" --init-groups env HOME="$dir" "$@"
  else
    "$@"
  fi
}

# The newest version in Debian's places, or what the PATH has.
postgres_bin() {
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] || found=$(dirname "$(command -v initdb 2>/dev/null || echo /nonexistent/initdb)")
  [ -x "$found/initdb" ] && echo "$found" || true
}

start_postgres() {
  bin=$(postgres_bin)
  if [ -z "$bin" ]; then
    echo "databases.sh: no Postgres is installed: its tests will be skipped" >&2
    return
  fi
  data=$dir/postgres
  mkdir -p "$data"
  if [ "$(id -u)" = 0 ]; then chown postgres "$data"; fi
  chmod 700 "$data"
  printf 'rocknest' >"$dir/postgres.password"
  chmod 644 "$dir/postgres.password"
  as postgres "$bin/initdb" -D "$data/data" -U rocknest --auth=scram-sha-256 --pwfile="$dir/postgres.password" \
    --encoding=UTF8 --locale=C -N >"$dir/postgres.log" 2>&1
  port=$(free_port)
  as postgres "$bin/pg_ctl" -D "$data/data" -l "$data/server.log" -w -t 60 \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" start >>"$dir/postgres.log" 2>&1
  echo "export TEST_POSTGRES_URL='postgres://rocknest:rocknest@127.0.0.1:$port/postgres'"
}

# The same login in each server of MySQL's kind.
login_sql() {
  echo "CREATE DATABASE rocknest;"
  echo "CREATE USER 'rocknest'@'%' IDENTIFIED BY 'rocknest';"
  echo "GRANT ALL ON *.* TO 'rocknest'@'%';"
}

# serve NAME COMMAND...: runs a server of MySQL's kind until its pid file is there, which it writes once it takes connections.
serve() {
  name=$1
  data=$dir/$name
  shift
  port=$(free_port)
  # nohup: the server outlives this script. The braces: with the redirections on the function itself the waiting shell keeps a copy of
  # our output, and "$(databases.sh start DIR)" never ends.
  {
    as mysql nohup "$@" --datadir="$data/data" --port="$port" --bind-address=127.0.0.1 --socket="$data/server.sock" \
      --pid-file="$data/server.pid" --log-error="$data/server.log" --init-file="$dir/login.sql" --innodb-flush-log-at-trx-commit=0
  } >>"$data.log" 2>&1 </dev/null &
  tries=0
  until [ -s "$data/server.pid" ] && grep -q 'ready for connections' "$data/server.log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
      echo "databases.sh: $name did not start within 60 s; see $data.log and $data/server.log" >&2
      exit 1
    fi
    sleep 0.2
  done
}

own_folder() {
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then chown mysql "$1"; fi
}

start_mariadb() {
  server=$(command -v mariadbd || echo /usr/sbin/mariadbd)
  if [ ! -x "$server" ]; then
    echo "databases.sh: no MariaDB is installed: its tests will be skipped" >&2
    return
  fi
  own_folder "$dir/mariadb"
  as mysql mariadb-install-db --no-defaults --datadir="$dir/mariadb/data" --auth-root-authentication-method=normal \
    --skip-test-db >"$dir/mariadb.log" 2>&1
  serve mariadb "$server" --no-defaults
  echo "export TEST_MARIADB_URL='mariadb://rocknest:rocknest@127.0.0.1:$port/rocknest'"
}

start_mysql() {
  server=${TEST_MYSQLD:-$(command -v mysqld || true)}
  # MariaDB brings a command of that name along, too.
  if [ -z "$server" ] || ! "$server" --version 2>/dev/null | grep -qv MariaDB; then
    echo "databases.sh: no MySQL is installed: its tests will be skipped" >&2
    return
  fi
  # Where the messages of a server lie that was not installed at its place.
  base=$(cd "$(dirname "$server")/.." && pwd)
  if [ -d "$base/usr/share/mysql" ]; then base=$base/usr; fi
  own_folder "$dir/mysql"
  as mysql "$server" --no-defaults --initialize-insecure --basedir="$base" --datadir="$dir/mysql/data" >"$dir/mysql.log" 2>&1
  serve mysql "$server" --no-defaults --basedir="$base" --mysqlx=OFF --secure-file-priv=NULL
  echo "export TEST_MYSQL_URL='mysql://rocknest:rocknest@127.0.0.1:$port/rocknest'"
}

start_etcd() {
  if ! command -v etcd >/dev/null 2>&1; then
    echo "databases.sh: no etcd is installed: its tests will be skipped" >&2
    return
  fi
  mkdir -p "$dir/etcd"
  port=$(free_port)
  peer_port=$(free_port)
  {
    nohup etcd --data-dir "$dir/etcd/data" --listen-client-urls "http://127.0.0.1:$port" \
      --advertise-client-urls "http://127.0.0.1:$port" --listen-peer-urls "http://127.0.0.1:$peer_port" \
      --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" --initial-cluster "default=http://127.0.0.1:$peer_port"
  } >>"$dir/etcd.log" 2>&1 </dev/null &
  echo $! >"$dir/etcd/pid"
  tries=0
  until node -e "fetch('http://127.0.0.1:$port/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      echo "databases.sh: etcd did not start; see $dir/etcd.log" >&2
      exit 1
    fi
    sleep 0.2
  done
  echo "export TEST_ETCD_URL='etcd://127.0.0.1:$port'"
}

stop_all() {
  if [ -f "$dir/etcd/pid" ]; then kill "$(cat "$dir/etcd/pid")" 2>/dev/null || true; fi
  bin=$(postgres_bin)
  if [ -n "$bin" ] && [ -f "$dir/postgres/data/postmaster.pid" ]; then
    as postgres "$bin/pg_ctl" -D "$dir/postgres/data" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  for name in mariadb mysql; do
    [ -s "$dir/$name/server.pid" ] || continue
    kill "$(cat "$dir/$name/server.pid")" 2>/dev/null || true
    tries=0
    while [ -f "$dir/$name/server.pid" ] && [ "$tries" -lt 150 ]; do
      tries=$((tries + 1))
      sleep 0.2
    done
  done
  rm -rf "$dir"
}

case $action in
  start)
    mkdir -p "$dir"
    chmod 755 "$dir"
    login_sql >"$dir/login.sql"
    chmod 644 "$dir/login.sql"
    start_postgres
    start_mariadb
    start_mysql
    start_etcd
    ;;
  stop) stop_all ;;
  *) usage ;;
esac
