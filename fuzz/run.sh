#!/bin/sh
# Fuzzes every target for so many seconds each, 60 if none are given: `sh fuzz/run.sh [SECONDS] [TARGET…]`.
#
# Needs stable Rust and a C++ compiler. New inputs go to fuzz/corpus; one that breaks a promise is
# written beside, as fuzz/crash-…, and ends the run. A test replays the corpus, so keep what was found
# there: `cargo test -p idempotent-runtime fuzz`.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- key_header template request record token

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target, so that build scripts and macros are built as ever.
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --release --target "$host"

for target in "$@"; do
    found=$(mktemp -d)
    # What is new is merged into the corpus, as far as it covers anything new.
    "target/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 \
        -print_final_stats=1 "$found" "corpus/$target"
    "target/$host/release/$target" -set_cover_merge=1 -max_len=4096 "corpus/$target" "$found"
    rm -r "$found"
done
