#!/bin/sh
# Makes chaincode.jar in /chaincode/output of what is in /chaincode/input: a project of Gradle or Maven, or a ready jar.
set -e
src=/chaincode/input/src
[ -d "$src" ] || src=/chaincode/input
work=$(mktemp -d)
cp -R "$src/." "$work"
cd "$work"

# main tells whether a jar names its main class.
main() {
  mkdir "$work/.manifest"
  (cd "$work/.manifest" && jar xf "$1" META-INF/MANIFEST.MF && grep -qi '^Main-Class:' META-INF/MANIFEST.MF) && found=0 || found=1
  rm -r "$work/.manifest"
  return "$found"
}

# take puts the jar to start, of those in a folder, where it belongs: chaincode.jar or the only one that names its main class.
take() {
  jars= count=0
  for jar in "$1"/*.jar; do
    [ -f "$jar" ] || continue
    [ "${jar##*/}" != chaincode.jar ] || { cp "$jar" /chaincode/output/chaincode.jar; exit; }
    ! main "$jar" || { jars=$jar count=$((count + 1)); }
  done
  if [ "$count" -ne 1 ]; then
    echo "A Java chaincode is a chaincode.jar with all it needs in it, or the only jar that names its Main-Class; $count of these do:" >&2
    ls "$1" >&2
    exit 1
  fi
  cp "$jars" /chaincode/output/chaincode.jar
  exit
}

# need ends the build if this image does not have a tool.
need() {
  command -v "$1" >/dev/null || { echo "This image cannot build a project of $2: the machine it was made on had no $1" >&2; exit 1; }
}

if [ -f build.gradle ]; then
  need gradle Gradle
  gradle --no-daemon --quiet --console=plain build shadowJar -x test
  take "$work/build/libs"
elif [ -f pom.xml ]; then
  need mvn Maven
  mvn --batch-mode --quiet --errors compile package -DskipTests -Dmaven.test.skip=true
  take "$work/target"
fi
take "$work"
