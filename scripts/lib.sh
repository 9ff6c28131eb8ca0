# shellcheck shell=bash disable=SC2034
# What the scripts share: the project's folder, messages, and installing Debian packages.
# Sourced, from any working directory: . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD="$ROOT/build"

# `check` is here because one build directory serves the demo and the tests.
BUILD_PACKAGES=(meson ninja-build gcc g++ libc6-dev pkg-config python3 libmicrohttpd-dev libgnutls28-dev libjansson-dev
    libopenblas-dev libsqlite3-dev nettle-dev libcurl4-openssl-dev libnlopt-dev check)
# scripts/image
IMAGE_PACKAGES=(buildah debootstrap python3)
# clang and its sanitizers, which the fuzzers need
CLANG_PACKAGES=(clang-14 libclang-rt-14-dev)
TEST_PACKAGES=(e2fsprogs curl jq strace openssl sslscan haproxy nginx-light python3-yaml python3-jsonschema
    clang-format-14 clang-tidy-14 valgrind systemd libseccomp2)
# what the tests of clients/python need; the rest of it comes from PyPI (scripts/python-environment)
PYTHON_PACKAGES=(python3-venv python3-httpx python3-numpy python3-torch python3-matplotlib python3-build python3-setuptools
    python3-wheel python3-yaml)
# what the experiments need beside those; the simulators come from PyPI (scripts/experiments-environment)
EXPERIMENT_PACKAGES=(python3-scipy python3-pil python3-packaging python3-typing-extensions)

note() { printf '%s\n' "$*" >&2; }
die() {
    note "$(basename "$0"): $*"
    exit 1
}

# Runs a command; shows what it printed only when it failed.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

packages_missing() {
    local package state
    for package in "$@"; do
        state=$(dpkg-query -W -f='${db:Status-Status} ' "$package" 2>/dev/null) || state=
        [ "${state%% *}" = installed ] || printf '%s\n' "$package"
    done
}

packages_known() {
    local package
    for package in "$@"; do
        apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
    done
}

# Installs what is missing of the named packages; silent when nothing is. The only step that needs root.
need_packages() {
    local missing sudo=() apt
    if ! command -v dpkg-query >/dev/null; then
        note "This is not a Debian system. Needed here are the counterparts of: $*"
        return 0
    fi
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" != 0 ] || return 0
    note "Installing Debian packages: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "root is needed for that. As root, run: apt-get install --no-install-recommends ${missing[*]}"
        note "Root is needed for that and for nothing else; sudo may ask for your password."
        sudo=(sudo)
    fi
    apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    packages_known "${missing[@]}" || quietly "${apt[@]}" update || die "apt-get update failed"
    quietly "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null && return 0
    note "That failed; trying once more with fresh package lists."
    quietly "${apt[@]}" update || die "apt-get update failed"
    quietly "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null ||
        die "these packages could not be installed: ${missing[*]}"
}

# Configures the folder BUILD when it is not, with what setup_arguments holds, and compiles the targets named, or all.
setup_arguments=()
build_all() {
    local setup=("${setup_arguments[@]}") name
    name=$(basename "$BUILD")
    if [ ! -f "$BUILD/build.ninja" ]; then
        # a coredata.dat without build.ninja is an interrupted configuration
        [ ! -f "$BUILD/meson-private/coredata.dat" ] || setup+=(--wipe)
        note "Configuring $name/"
        quietly meson setup "${setup[@]}" "$BUILD" "$ROOT" || die "the configuration failed"
    fi
    note "Building $name/"
    quietly ninja -C "$BUILD" "$@" || die "the build failed"
}
