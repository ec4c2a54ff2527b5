#!/bin/sh
# Runs every test. It first installs missing programs, or says what to install and stops.
#
# Tests start the servers they need themselves, on sockets or free ports in temporary directories,
# and end them.
set -eu
cd "$(dirname "$0")/.."

sh tests/install.sh

cargo test --locked --workspace --all-features
# Code that threads share, in every order that matters: these tests are built with locks that a scheduler controls.
RUSTFLAGS="--cfg shuttle" cargo test --locked --package idempotent-runtime --no-default-features --lib \
    --target-dir target/shuttle interleavings
# Examples contain tests, too, which the line above only builds.
cargo test --locked --workspace --all-features --examples
