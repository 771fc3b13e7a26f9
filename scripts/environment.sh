# Sourced by the other scripts: makes .venv with pyjib in it and puts it first on PATH.
#   . scripts/environment.sh [GROUP...]     dependency groups of pyproject.toml
# Set PYTHON to choose the interpreter, PYJIB_VENV to put the environment elsewhere.

pyjib_find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "pyjib needs Python 3.11 or newer; set PYTHON to one" >&2
    return 1
}

# A download that fails is tried again: package indexes have bad minutes.
pyjib_retry() {
    local attempt
    for attempt in 1 2 3 4; do
        "$@" && return 0
        echo "attempt $attempt failed: $*" >&2
        [ "$attempt" = 4 ] || sleep $((attempt * 5))
    done
    return 1
}

pyjib_environment() {
    local venv="${PYJIB_VENV:-.venv}" python stamp group
    local groups=()
    stamp="$venv/.installed-$(cksum <pyproject.toml | tr -d ' ')"
    if [ ! -x "$venv/bin/python" ]; then
        python=$(pyjib_find_python) || return 1
        "$python" -m venv "$venv" || {
            echo "cannot make a virtual environment; on Debian install python3-venv" >&2
            return 1
        }
    fi
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    for group in base "$@"; do
        [ -e "$stamp-$group" ] && continue
        groups=()
        [ "$group" = base ] || groups=(--group "$group")
        # Dependency groups need pip 25.1.
        pyjib_retry "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' || return 1
        pyjib_retry "$venv/bin/python" -m pip install --quiet --editable . "${groups[@]}" || return 1
        touch "$stamp-$group"
    done
    PATH="$(cd "$venv/bin" && pwd):$PATH"
    export PATH
}

pyjib_environment "$@"
