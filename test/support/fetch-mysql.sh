#!/bin/sh
# Lays MySQL's server and every library it needs into DIR, out of Debian's unstable distribution: no released Debian has MySQL itself.
# Nothing is installed on the machine, and nothing of the machine's own libraries is used.
#
#   test/support/fetch-mysql.sh DIR    DIR/bin/mysqld runs it, from any place that DIR is moved to
#
# About 60 MB are fetched, and DIR takes 350 MB. Needs apt and dpkg-deb, no rights.
set -eu

[ $# -eq 1 ] || {
  echo "usage: $0 DIR" >&2
  exit 2
}
mkdir -p "$1"
dir=$(cd "$1" && pwd)
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -n 1)
[ -n "$mirror" ] || {
  echo "fetch-mysql.sh: apt knows no mirror of Debian" >&2
  exit 1
}

# apt with folders of its own, and no package installed yet: libc comes along.
apt=$dir/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
echo "deb $mirror unstable main" >"$apt/sources.list"
own() {
  apt-get -qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" \
    -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}
own update
own install -y --download-only --no-install-recommends mysql-server-core >/dev/null
for package in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$package" "$dir"; done
rm -rf "$apt"

loader=$(find "$dir/usr" -name 'ld-linux*' | head -n 1)
mkdir -p "$dir/bin"
cat >"$dir/bin/mysqld" <<END
#!/bin/sh
root=\$(cd "\$(dirname "\$0")/.." && pwd)
exec "\$root${loader#"$dir"}" --library-path "\$root$(dirname "${loader#"$dir"}")" "\$root/usr/sbin/mysqld" "\$@"
END
chmod 755 "$dir/bin/mysqld"
"$dir/bin/mysqld" --version
