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

# Tells whether the environment can be used: it is whole, and no Python before 3.11.
pyjib_usable() {
    [ ! -e "$1/.unfinished" ] &&
        "$1/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

pyjib_install() { # PYTHON, then arguments for pip
    local python="$1"
    shift
    # Dependency groups need pip 25.1.
    pyjib_retry "$python" -m pip install --quiet --upgrade 'pip>=25.1' &&
        pyjib_retry "$python" -m pip install --quiet --editable . "$@"
}

pyjib_environment() {
    local venv="${PYJIB_VENV:-.venv}" python stamp group clear= failed=
    local groups=()
    # Who comes second waits; the lock goes with the script that has it.
    if command -v flock >/dev/null; then
        exec 8<pyproject.toml
        flock 8
    fi
    if ! pyjib_usable "$venv"; then
        # What these scripts made is made anew: it may be half done, or its Python gone.
        if compgen -G "$venv/.installed-*" >/dev/null || [ -e "$venv/.unfinished" ]; then
            clear=--clear
        fi
        python=$(pyjib_find_python) || return 1
        if ! "$python" -m venv $clear "$venv" || ! pyjib_usable "$venv"; then
            echo "cannot make a virtual environment in $venv; on Debian install python3-venv;" \
                "if something else is there, remove it or set PYJIB_VENV to another place" >&2
            return 1
        fi
    fi
    # Another place or Python of the same environment has got nothing yet.
    stamp=$({ pwd -P && "$venv/bin/python" -V && cat pyproject.toml; } | cksum)
    stamp="$venv/.installed-${stamp// /-}"
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    for group in base "$@"; do
        [ -e "$stamp-$group" ] && continue
        groups=()
        [ "$group" = base ] || groups=(--group "$group")
        touch "$venv/.unfinished" # stays where this is killed
        pyjib_install "$venv/bin/python" ${groups[@]+"${groups[@]}"} && touch "$stamp-$group" || failed=1
        rm -f "$venv/.unfinished"
        [ -z "$failed" ] || return 1
    done
    if command -v flock >/dev/null; then
        exec 8<&-
    fi
    PATH="$(cd "$venv/bin" && pwd):$PATH"
    export PATH
}

pyjib_environment "$@"
