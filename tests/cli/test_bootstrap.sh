#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bootstrap.sh against a system of stand-ins: a PATH that holds nothing but the tools it may use,
# and a dpkg-query, apt-get, id, meson and ninja that write down how they were called.
# usage: test_bootstrap.sh SOURCE-TREE
set -u
source_tree=$(cd "${1:?usage: test_bootstrap.sh SOURCE-TREE}" && pwd)
[ -x /usr/bin/python3 ] || {
    echo 'no /usr/bin/python3, which bootstrap.sh takes from its package' >&2
    exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
unset KVROOF_BUILD KVROOF_MESON KVROOF_PACKAGES

say() {
    if [ "$1" -eq 0 ]; then
        echo "ok      $2"
    else
        echo "FAILED  $2"
        sed 's/^/        /' out err calls
        failed=1
    fi
}

# call EXPECTED-CODE ARGUMENTS...: stdout in out, stderr in err, calls of the stand-ins in calls.
call() {
    expected=$1
    shift
    : >calls
    PATH=$work/bin WORK=$work MISSING=${missing:-} USER_ID=${user_id:-0} \
        /bin/sh tree/bootstrap.sh "$@" >out 2>err </dev/null
    code=$?
    [ "$code" -eq "$expected" ]
    say $? "bootstrap.sh $* exits with $expected (got $code)"
}

has() {
    grep -qe "$2" "$1"
    say $? "$1 has '$2'"
}

hasnt() {
    ! grep -qe "$2" "$1"
    say $? "$1 does not have '$2'"
}

last_line() {
    [ "$(tail -n 1 out)" = "$1" ]
    say $? "the last line is '$1'"
}

# The body of a tool comes from stdin.
stand_in() {
    { echo '#!/bin/sh' && cat; } >"bin/$1"
    chmod +x "bin/$1"
}

fresh() {
    rm -rf tree bin broken
    mkdir tree bin
    cp "$source_tree/bootstrap.sh" tree/
    for tool in sh cat dirname uname grep sed tr rm mkdir tail env chmod; do
        ln -s "$(command -v "$tool")" "bin/$tool"
    done
    echo 'echo "$USER_ID"' | stand_in id
    stand_in dpkg-query <<'END'
for name; do
    case " $MISSING " in
        *" $name "*) ;;
        *) echo "installed $name" ;;
    esac
done
END
    echo 'echo "apt-get $*" >>"$WORK/calls"; echo chatter' | stand_in apt-get
    echo 'exit 100' | stand_in apt-cache
    stand_in meson <<'END'
echo "meson $*" >>"$WORK/calls"
echo chatter
if [ "$1" = test ]; then
    cat "$WORK/log" >"$3/meson-logs/testlog.json"
    ! grep -q '"FAIL"' "$WORK/log"
    exit
fi
build=$2
case $2 in -*) build=$3 ;; esac
mkdir -p "$build/meson-private" "$build/meson-info" "$build/meson-logs"
: >"$build/meson-private/coredata.dat"
: >"$build/build.ninja"
echo "{\"source\": \"${build%/*}\"}" >"$build/meson-info/meson-info.json"
echo '{"name": "buildtype", "value": "release"}' >"$build/meson-info/intro-buildoptions.json"
END
    stand_in ninja <<'END'
echo "ninja $*" >>"$WORK/calls"
echo chatter
[ ! -e "$WORK/broken" ] || exit 1
for build; do :; done
printf '#!/bin/sh\necho "kvroof $*"\nexit 4\n' >"$build/kvroof"
chmod +x "$build/kvroof"
END
}

# ---- usage ----
fresh
call 2
has err usage:
call 2 install
has err "unknown command 'install'"
call 0 --help
has out usage:

# ---- another distribution ----
rm bin/apt-get bin/dpkg-query
for command in setup run test; do
    call 3 "$command"
done
for name in hwloc numa jansson libcyaml gsl cmocka meson pkg-config '2\.14'; do
    has err "$name"
done

# ---- packages ----
fresh
call 0 setup
hasnt calls apt-get
missing='libgsl-dev gnuplot-nox'
call 0 setup
has calls '^apt-get .*update$'
has calls '^apt-get .*install .*--no-install-recommends .*libgsl-dev'
has calls 'gnuplot-nox'
hasnt calls 'jansson'
missing='binutils'
call 0 setup
hasnt calls 'apt-get .*install'
has err 'no package binutils'
missing='chromium'
call 0 setup
hasnt calls apt-get
call 1 test # no test ran
has err 'no package chromium'
missing='clang'
call 0 setup
hasnt calls apt-get
KVROOF_PACKAGES=ci
export KVROOF_PACKAGES
call 0 setup
has calls 'install .*clang'
unset KVROOF_PACKAGES
missing=libgsl-dev
user_id=1000
call 3 setup
has err '^apt-get update && apt-get install .*libgsl-dev'
hasnt calls apt-get
call 3 test
missing=chromium
call 1 test
has err 'going on without chromium'
has calls 'meson test'
missing=libgsl-dev
echo 'echo "sudo $*" >>"$WORK/calls"; [ "$1" != -n ] || shift; exec "$@"' | stand_in sudo
: | stand_in true
call 0 setup
has calls '^sudo .*apt-get .*install'
echo 'exit 1' | stand_in sudo
call 3 setup
has err '^apt-get update && apt-get install .*libgsl-dev'
missing=
call 0 setup
user_id=0

# ---- configuring ----
fresh
call 0 setup
has calls 'meson setup .*-Dbuildtype=release'
call 0 setup
hasnt calls meson
call 0 setup -- -Dwerror=true
has calls 'meson setup --reconfigure .*-Dwerror=true$'
call 0 setup -- -Dwerror=true
hasnt calls meson
call 0 setup
has calls 'meson setup --reconfigure .*-Dwerror=false'
rm tree/build/build.ninja tree/build/meson-private/coredata.dat
call 0 setup
has calls 'meson setup .*/build '
echo '{"source": "elsewhere"}' >tree/build/meson-info/meson-info.json
call 0 setup
has calls 'meson setup --wipe'
: >tree/build/meson-info/intro-buildoptions.json
call 0 setup
has calls 'meson setup --reconfigure'
: >broken
call 1 setup
rm broken

# ---- run: the program's own stdout and exit code ----
fresh
call 4 run -- -p quick --label 'two words'
[ "$(cat out)" = 'kvroof run -p quick --label two words' ]
say $? 'stdout of run holds nothing of the build'
call 4 run -k fp16
last_line 'kvroof run -k fp16'

# ---- test: the count ----
for result in OK OK SKIP EXPECTEDFAIL; do
    echo "{\"name\": \"x\", \"result\": \"$result\"}"
done >log
call 0 test
last_line '3 passed, 0 failed, 1 skipped'
for result in FAIL TIMEOUT ERROR INTERRUPT UNEXPECTEDPASS; do
    echo "{\"name\": \"x\", \"result\": \"$result\"}"
done >>log
call 1 test -- --suite cli
last_line '3 passed, 5 failed, 1 skipped'
has calls 'meson test .*--suite cli'
: >log
call 1 test
last_line '0 passed, 1 failed, 0 skipped'
: >broken
call 1 test
last_line '0 passed, 1 failed, 0 skipped'

exit "$failed"
