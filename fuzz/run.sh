#!/bin/sh
# Fuzzes every target for so many seconds each, 60 if none are given: `sh fuzz/run.sh [SECONDS] [TARGET…]`.
#
# Needs stable Rust and a C++ compiler. What covers something new goes into corpus/TARGET.base64: an
# input a line, sorted. An input that breaks a promise is written beside, as crash-…, and ends the run:
# keep it in regressions/TARGET, named by what it broke. A test replays both:
# `cargo test -p idempotent-runtime -p idempotent-macros found`.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- key_header template request record token

# unpack CORPUS FOLDER: a file of every line.
unpack() {
    number=0
    while read -r line; do
        number=$((number + 1))
        printf %s "$line" | base64 -d >"$2/$number"
    done <"$1"
}

# pack FOLDER CORPUS: a line of every file.
pack() {
    for input in "$1"/*; do
        base64 <"$input" | tr -d '\n'
        echo
    done | LC_ALL=C sort -u >"$2.new"
    # Last: what is there is whole.
    mv "$2.new" "$2"
}

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target, so that build scripts and macros are built as ever.
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --release --target "$host"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
for target in "$@"; do
    known=$work/$target/known found=$work/$target/found
    mkdir -p "$known" "$found" "regressions/$target"
    unpack "corpus/$target.base64" "$known"
    "target/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 \
        -print_final_stats=1 "$found" "$known" "regressions/$target"
    # Of what was found, as little as covers what is new.
    "target/$host/release/$target" -set_cover_merge=1 -max_len=4096 "$known" "$found"
    pack "$known" "corpus/$target.base64"
done
