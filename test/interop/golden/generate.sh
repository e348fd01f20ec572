#!/bin/sh
# Writes the golden bytes of each client version into <folder>/<version> (default: libs/protocol/fixtures). Needs a JDK and Maven.
# GOLDEN_BUILD names a folder for the builds (default: a temporary one that is removed).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../libs/protocol/fixtures}
build=${GOLDEN_BUILD:-}
if [ -z "$build" ]; then
  build=$(mktemp -d)
  trap 'rm -rf "$build"' EXIT
fi
for version in 4.9.8 5.4.0; do
  mvn -q -B -f "$here/pom.xml" "-Drocketmq.version=$version" "-Dgolden.directory=$build/$version" compile
  rm -rf "${out:?}/$version"
  java -Duser.timezone=UTC -cp "$build/$version/classes:$build/$version/lib/*" rocknest.golden.Golden "$out/$version" "$version"
done
