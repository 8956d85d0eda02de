#!/usr/bin/env bash
# Does the package work where nothing of this folder is? Builds the source archive, and the wheel from it, installs the
# wheel into an empty environment in a temporary folder, with the versions of constraints.txt, and runs the README's
# example there without a network; then the same with what pip makes of the source archive itself.
#
#   scripts/course/check_wheel.sh            # with .venv/bin/python to build; takes minutes and about 6 GB, given back at the end
#   PYTHON=python3.12 scripts/course/check_wheel.sh
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT

"$root/.venv/bin/python" -m build --no-isolation --outdir "$elsewhere" "$root" > "$elsewhere/build.log" ||
  { cat "$elsewhere/build.log"; exit 1; }
"$python" -m venv "$elsewhere/venv"
mkdir "$elsewhere/work"
cd "$elsewhere/work"
unset PYTHONPATH

# A network namespace of its own has no network at all; where there is none, the script refuses every connection.
alone=()
unshare --map-root-user --net true 2> /dev/null && alone=(unshare --map-root-user --net)

options=()
for archive in "$elsewhere"/gantutor-*.whl "$elsewhere"/gantutor-*.tar.gz; do
  "$elsewhere/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -c "$root/constraints.txt" "${options[@]}" "$archive"
  where=$("$elsewhere/venv/bin/python" -c 'import gantutor; print(gantutor.__file__)')
  case $where in
    "$elsewhere"/venv/*) ;;
    *) echo "the package was imported from $where, not from ${archive##*/}"; exit 1 ;;
  esac
  "${alone[@]}" "$elsewhere/venv/bin/python" "$root/scripts/course/run_examples.py" "$root/README.md"
  "$elsewhere/venv/bin/gantutor" exercises 00 # from the notebooks that the archive carries
  echo "${archive##*/} works on its own${alone[0]:+, in a network namespace without a network}."
  options=(--force-reinstall --no-deps) # what the package needs is there by now
done
