#!/usr/bin/env bash
# Makes .venv with the exact versions of lock.txt. Does nothing when it is already there, and goes on where an
# interrupted install stopped: the stamp that says "complete" is written last. It names the lock, the package's
# metadata and the folder, because a copied or moved clone would otherwise import the code of the old one.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.segda_mm_complete
works='import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'

# A name on PATH proves nothing: pyenv's shims exist for versions that are not switched on, and Debian's python3
# comes without ensurepip. So every hit of every name is tried out.
find_python() {
  local name candidate
  if [ -n "${PYTHON:-}" ]; then
    candidate=$(command -v "$PYTHON") && "$candidate" -c "$works" 2> /dev/null && echo "$candidate"
    return
  fi
  for name in python3.11 python3.12 python3.13 python3.10 python3 python; do
    while read -r candidate; do
      if "$candidate" -c "$works" > /dev/null 2>&1; then
        echo "$candidate"
        return
      fi
    done < <(type -aP "$name")
  done
  return 1
}

if ! { "$venv/bin/python" -c "$works" && "$venv/bin/python" -m pip --version; } > /dev/null 2>&1; then
  if ! python=$(find_python); then
    echo "No Python 3.10 to 3.13 with its venv module was found: install one" \
      "(on Debian or Ubuntu: apt-get install python3-venv), or name it with PYTHON=/path/to/python3.11." >&2
    exit 1
  fi
  echo "Making $venv with $("$python" --version)."
  "$python" -m venv --clear "$venv"
fi

wanted=$("$venv/bin/python" - requirements/lock.txt setup.cfg setup.py pyproject.toml << 'EOF'
import hashlib, pathlib, sys
parts = [str(pathlib.Path.cwd()).encode(), *(pathlib.Path(name).read_bytes() for name in sys.argv[1:])]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
EOF
)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi

echo "Installing the locked versions into $venv (the first time about 2 GB are fetched, which takes minutes)."
rm -f "$stamp"
# pip writes INSTALLER after a distribution's other files: without it, an interrupted install left half of them.
for info in "$venv"/lib/python3*/site-packages/*.dist-info; do
  if [ -d "$info" ] && [ ! -f "$info/INSTALLER" ]; then rm -rf "$info"; fi
done
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# The constraint pins what pip's isolated builds use; compiling bytecode of what is never imported is left out.
PIP_CONSTRAINT=$PWD/requirements/lock.txt \
  "$venv/bin/python" -m pip install --no-deps --no-compile -r requirements/lock.txt
"$venv/bin/python" -m pip install --no-deps --no-build-isolation --quiet --editable .
# Shows that the libraries fit together, and compiles the bytecode of what is used. Where the environment forbids
# Python to keep bytecode, every later start would compile thousands of modules anew.
env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -W ignore -c 'import mmpretrain.models, segda_mm.apis
import hypothesis, onnx, onnxruntime, pytest, timm, torchmetrics, torchvision' > /dev/null
echo "$wanted" > "$stamp.part"
mv "$stamp.part" "$stamp"
