#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# From a fresh Debian 12 to a running program; `usage` below is the manual.
set -u

root=$(cd "$(dirname "$0")" && pwd) || exit 1
build=$root/${KVROOF_BUILD:-build}
stamp=$build/bootstrap-options
testing=

usage() {
    cat <<'END'
usage: ./bootstrap.sh setup [-- MESON-OPTIONS]   install what is missing, configure, build
       ./bootstrap.sh run   [-- RUN-OPTIONS]     setup, then kvroof run
       ./bootstrap.sh test  [-- TEST-OPTIONS]    setup, then meson test; ends in a count
environment: KVROOF_BUILD=FOLDER (build), KVROOF_MESON='-Dwerror=true ...' (meson options of every
command), KVROOF_PACKAGES=ci (also install what .ci/run needs;
           slurm: what the test of fleets needs)
exit codes: 0 done, 1 build or test failed, 2 usage, 3 impossible here, else those of kvroof run
END
}

fail() {
    code=$1
    shift
    echo "bootstrap.sh: $*" >&2
    exit "$code"
}

# Group, package, reason. `optional`: the build does with less where it does not exist; `test`: so
# do the tests, and nothing else needs it.
packages() {
    cat <<'END'
need     meson              configures the build
need     ninja-build        runs the build
need     gcc                compiler
need     libc6-dev          headers of the C library
need     pkg-config         finds the libraries
need     libhwloc-dev       topology of the machine
need     libnuma-dev        memory placement
need     libjansson-dev     result files
need     libcyaml-dev       profiles
need     libyaml-dev        what libcyaml links to: its own package does not bring it
need     libgsl-dev         statistics
need     libcmocka-dev      unit tests
need     gnuplot-nox        pictures
need     python3            tests of the command line, count of the tests
optional binutils           tests that read the compiled loops
test     python3-jsonschema tests of the result schema
test     qemu-user          tests on CPUs older than this one
test     man-db             tests of the manual pages
test     groff-base         tests of the manual pages
test     zsh                tests of its completion
test     fish               tests of its completion
test     git                tests of the source archive
test     dpkg-dev           tests of the Debian package
test     debhelper          tests of the Debian package
test     fakeroot           tests of the Debian package
test     lintian            tests of the Debian package
test     chromium           test of the report page
test     libbenchmark-tools tests of exports: compare.py reads them
test     python3-scipy      what compare.py needs
test     python3-prometheus-client tests of exports: reads OpenMetrics
test     libxml2-utils      tests of exports: xmllint reads JUnit
test     python3-yaml       tests of the CI recipes
x86      likwid             counter backend
test-x86 qemu-system-x86    tests in guests
test-x86 busybox-static     tests in guests
test-x86 cpio               tests in guests
test-x86 gcc-aarch64-linux-gnu tests on 64-bit Arm, emulated
test-x86 qemu-system-arm    tests on 64-bit Arm, emulated
test-x86 libzydis-dev       tests that step through the kernels
ci       clang              second compiler
ci       prometheus         tests of exports: promtool; not for all, it starts a server
slurm    slurmctld          test of fleets; only with KVROOF_PACKAGES=slurm, they start servers
slurm    slurmd             test of fleets
slurm    slurm-client       test of fleets
slurm    munge              test of fleets
END
}

# The packages of this host and these groups, those to be installed without fail first.
wanted() {
    groups="need optional $testing ${KVROOF_PACKAGES:-}"
    case $(uname -m) in
        x86_64 | i?86) groups="$groups x86 ${testing:+test-x86}" ;;
    esac
    packages | while read -r group name reason; do
        case " $groups " in
            *" $group "*) echo "$name" ;;
        esac
    done
}

is_required() {
    packages | grep -Eq "^(need|ci) +$1 "
}

missing() {
    names=$(wanted)
    # shellcheck disable=SC2086 # one word per package
    have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $names 2>/dev/null |
        sed -n 's/^installed //p')
    have=" $(echo $have) "
    for name in $names; do
        case $have in
            *" $name "*) ;;
            *) echo "$name" ;;
        esac
    done
}

other_distribution() {
    cat >&2 <<'END'
bootstrap.sh: this is not a Debian system (no apt-get and dpkg-query). Install, with headers:
  meson >= 1.0, ninja, a C17 compiler (gcc >= 12 or clang >= 14), pkg-config, python3 >= 3.9,
  gnuplot
  library      pkg-config name  at least
  hwloc        hwloc            2.9
  libnuma      numa             2.0.16
  Jansson      jansson          2.14
  libcyaml     libcyaml         1.3
  GSL          gsl              2.7
  cmocka       cmocka           1.1.5   (tests; -Dtests=false builds without)
  likwid       (likwid.h)       5.2.2   (optional, x86)
and then: meson setup build --buildtype=release && ninja -C build
END
    exit 3
}

# What this user cannot install: an end where the build needs it, else a note.
paste_line() {
    needed=
    for name in $1; do
        ! is_required "$name" || needed=1
    done
    [ -n "$needed" ] || {
        echo "bootstrap.sh: going on without $1(this user cannot install packages)" >&2
        return 0
    }
    echo "bootstrap.sh: packages are missing and this user cannot install them; as root:" >&2
    # shellcheck disable=SC2086 # one word per package
    echo "apt-get update && apt-get install -y --no-install-recommends" $1 >&2
    exit 3
}

install_packages() {
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1 ||
        other_distribution
    list=$(missing | tr '\n' ' ')
    [ -n "$list" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        [ -t 0 ] || as_root='sudo -n'
        command -v sudo >/dev/null 2>&1 && $as_root true 2>/dev/null || {
            paste_line "$list"
            return 0
        }
    fi
    echo "bootstrap.sh: installing $list" >&2
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
    $apt update >&2 || echo 'bootstrap.sh: apt-get update failed; trying the lists at hand' >&2
    chosen=
    for name in $list; do
        if is_required "$name" || apt-cache show "$name" >/dev/null 2>&1; then
            chosen="$chosen $name"
        else
            echo "bootstrap.sh: no package $name here; going on without it" >&2
        fi
    done
    # shellcheck disable=SC2086 # one word per package
    [ -z "$chosen" ] ||
        $apt -o Dpkg::Use-Pty=0 install -y --no-install-recommends $chosen >&2 ||
        fail 3 'apt-get install failed (its message is above)'
    [ -z "$chosen" ] || rm -f "$stamp" # what was not there when the build was configured
}

# True if the build folder is configured as asked: from this source tree, as a release, with these
# options.
configured() {
    [ -f "$build/build.ninja" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$*" ] &&
        grep -q "\"source\": \"$root\"" "$build/meson-info/meson-info.json" 2>/dev/null &&
        { [ -n "$*" ] || grep -q '"name": "buildtype", "value": "release"' \
            "$build/meson-info/intro-buildoptions.json" 2>/dev/null; }
}

# An existing folder keeps its object files where that is possible and is emptied where not (made
# from another source tree, or half configured).
configure() {
    configured "$@" && return 0
    rm -f "$stamp"
    set -- -Dbuildtype=release -Dwerror=false -Db_sanitize=none "$@"
    if [ ! -e "$build/meson-private/coredata.dat" ]; then
        meson setup "$build" "$root" "$@" || fail 1 'meson setup failed'
    elif ! grep -q "\"source\": \"$root\"" "$build/meson-info/meson-info.json" 2>/dev/null ||
        ! meson setup --reconfigure "$build" "$root" "$@"; then
        meson setup --wipe "$build" "$root" "$@" || fail 1 'meson setup failed'
    fi
    shift 3
    echo "$*" >"$stamp"
}

setup() {
    install_packages
    # shellcheck disable=SC2086 # the variable holds several options
    configure ${KVROOF_MESON:-} "$@" >&2
    ninja --quiet -C "$build" >&2 || fail 1 'the build failed'
    [ -x "$build/kvroof" ] || fail 1 "the build left no $build/kvroof"
}

# Counts meson's log, one JSON object a line: whatever neither passed nor was skipped has failed.
count() {
    /usr/bin/python3 - "$1" <<'END'
import json
import sys

counts = {"passed": 0, "failed": 0, "skipped": 0}
kinds = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
try:
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            counts[kinds.get(json.loads(line)["result"], "failed")] += 1
except FileNotFoundError:
    pass
if not counts["passed"] and not counts["failed"]:
    print("bootstrap.sh: no test ran: counted as a failure", file=sys.stderr)
    counts["failed"] = 1
print(", ".join(f"{number} {kind}" for kind, number in counts.items()))
sys.exit(1 if counts["failed"] else 0)
END
}

test_all() {
    testing=test
    log=$build/meson-logs/testlog.json
    # In a subshell: a build that fails is one failed test, and the last line is still a count.
    (setup) || {
        code=$?
        [ "$code" -eq 3 ] && exit 3
        echo '0 passed, 1 failed, 0 skipped'
        exit 1
    }
    rm -f "$log"
    meson test -C "$build" --no-rebuild --print-errorlogs "$@"
    status=$?
    count "$log" || status=1
    [ "$status" -eq 0 ] || exit 1
}

[ $# -ge 1 ] || {
    usage >&2
    exit 2
}
command=$1
shift
[ "${1:-}" != -- ] || shift
case $command in
    setup)
        setup "$@"
        ;;
    run)
        setup
        exec "$build/kvroof" run "$@"
        ;;
    test)
        test_all "$@"
        ;;
    -h | --help)
        usage
        ;;
    *)
        echo "bootstrap.sh: unknown command '$command'" >&2
        usage >&2
        exit 2
        ;;
esac
