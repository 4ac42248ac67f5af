# What the scripts here share; they read it with `source`.

step() { printf '\n=== %s\n' "$*"; }

# not_run WHAT WHY: says that something was not run. The line is also kept in the file that LATCHKEEP_NOT_RUN names, for the
# list at the end; tests write their lines there too.
not_run() {
    echo "NOT RUN: $1, because $2"
    [ -z "${LATCHKEEP_NOT_RUN:-}" ] || echo "NOT RUN: $1, because $2" >>"$LATCHKEEP_NOT_RUN"
}

# Begins the list of what was not run, unless the script that called this one has begun it; then fails.
begin_not_run() {
    [ -z "${LATCHKEEP_NOT_RUN:-}" ] || return 1
    LATCHKEEP_NOT_RUN=$(mktemp)
    export LATCHKEEP_NOT_RUN
}

# Shows the list, also when a step before has failed.
show_not_run() {
    local code=$?
    step "what was not run on this machine"
    if [ -s "$LATCHKEEP_NOT_RUN" ]; then
        sort -u "$LATCHKEEP_NOT_RUN"
    elif [ "$code" = 0 ]; then
        echo "nothing: all of it was run"
    else
        echo "nothing, up to the step that failed"
    fi
    rm -f "$LATCHKEEP_NOT_RUN"
}

# install_missing PACKAGE FILE...: installs a package of Debian when none of the files exists and this user may install it.
# A file without a slash is a program in PATH.
install_missing() {
    local package=$1 file
    shift
    for file in "$@"; do
        if [ -e "$file" ] || command -v "$file" >/dev/null; then return; fi
    done
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
    if [ -z "${packages_listed:-}" ]; then
        apt-get update -qq >/dev/null || true
        packages_listed=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null || true
}
