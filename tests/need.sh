#!/bin/sh
# Installs a Debian package unless its command exists: `sh tests/need.sh COMMAND PACKAGE`. If the system is not
# Debian, or the user is not root, it says what to install, and stops.
set -eu

command -v "$1" >/dev/null 2>&1 && exit
# Debian keeps servers out of the path.
for place in /usr/sbin/"$1" /usr/lib/postgresql/*/bin/"$1" /usr/share/zookeeper/bin/"$1"; do
    [ -x "$place" ] && exit
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $2"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
else
    echo "\`$1\` is missing: install it (Debian: apt-get install $2) and run this again" >&2
    exit 1
fi
