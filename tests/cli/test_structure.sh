#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Direction of includes, sizes of files, and what every source must and must not hold. `violations`
# prints one line for each; the second half plants one of each in a copy and demands to see it.
# usage: test_structure.sh SOURCE-TREE
set -u
export LC_ALL=C.UTF-8
tree=${1:?usage: test_structure.sh SOURCE-TREE}

sources() {
    find kernels src tests benchmark -type f \( -name '*.[ch]' -o -name '*.inc' \) 2>/dev/null
}

texts() {
    find kernels src tests benchmark tools schema profiles plots debian docs .ci -type f \
        ! -name '*.npy' ! -name '*.pyc' ! -path 'tests/fixtures/*' \
        ! -path 'profiles/data/*' 2>/dev/null
    for name in meson.build meson_options.txt bootstrap.sh README.md CONTRIBUTING.md .clang-tidy; do
        [ -f "$name" ] && echo "$name"
    done
}

# only_in PATTERN ALLOWED REASON: an include that matches PATTERN outside the ALLOWED paths.
only_in() {
    grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" kernels src \
        --include='*.c' --include='*.h' --include='*.inc' | grep -vE "^($2)" | sed "s|\$|: $3|"
}

# never_in FOLDER PATTERN REASON: an include that matches PATTERN below FOLDER.
never_in() {
    [ ! -d "$1" ] || grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1" |
        sed "s|\$|: $3|"
}

# unlisted FOLDER MESON-FILE: C files below FOLDER that the file does not name.
unlisted() {
    find "$1" -name '*.c' | while read -r file; do
        grep -qF "${file#"$(dirname "$2")"/}'" "$2" || grep -qF "$(basename "$file")'" "$2" ||
            echo "$file: not listed in $2"
    done
}

unlisted_tests() {
    for file in tests/*/test_*.c tests/cli/test_*.py tests/cli/test_*.sh; do
        [ -f "$file" ] || continue
        name=$(basename "$file")
        short=${name#test_}
        grep -qE "'($name|${name%.*}|${short%.*})'" "$(dirname "$file")/meson.build" ||
            echo "$file: not listed in its meson.build"
    done
}

violations() {
    never_in kernels '[^">]*src/' 'kernels/ includes nothing from src/'
    never_in kernels 'hwloc|numa|jansson|cyaml|gsl|likwid|cblas' 'kernels/ uses no library'
    never_in src/measure '[^">]*(kernels|study|report|cli|codec)/' \
        'measure/ knows neither kernels nor plans'
    never_in src/machine '[^">]*(study|report|cli|measure|codec)/' 'machine/ comes first'
    never_in src/codec '[^">]*(study|report|cli|measure|machine)/' 'codec/ knows no host'
    never_in src/report '[^">]*(study|cli|measure|codec)/' 'report/ computes nothing'
    never_in src/study '[^">]*cli/' 'study/ does not know the command line'
    only_in 'hwloc[./]|numa\.h|numaif\.h' 'src/machine/' 'hwloc and libnuma belong to machine/'
    only_in 'likwid' 'src/counters/likwid' 'likwid belongs to counters/likwid.c'
    only_in 'jansson' 'src/report/' 'jansson belongs to report/'
    only_in 'cyaml|yaml' 'src/study/' 'YAML belongs to study/'
    only_in 'cpuid' 'src/machine/isa' 'CPUID belongs to machine/isa.c'
    grep -rn '__builtin_cpu_' kernels src | sed 's|$|: CPUID belongs to machine/isa.c|'

    sources | tr '\n' '\0' | xargs -0 wc -l | awk '$2 != "total" && $1 >= 450 {
        print $2 ": " $1 " lines, a file has fewer than 450" }'
    { sources; texts | grep -E '\.(py|sh)$'; } | sort -u | tr '\n' '\0' |
        xargs -0 grep -nE '^.{101,}' /dev/null |
        sed 's|^\([^:]*:[0-9]*\):.*|\1: more than 100 columns|'
    # shellcheck disable=SC1003 # a pattern, no escape
    sources | tr '\n' '\0' | xargs -0 grep -nP '\t' /dev/null |
        sed 's|^\([^:]*:[0-9]*\):.*|\1: a tab|'
    texts | grep -E '\.(c|h|inc|sh|py|gp|yaml|yml|xsd)$|(^|/)meson\.build$|^\.ci/run$' |
        tr '\n' '\0' | xargs -0 awk '
            FNR == 1 && name { missing() }
            FNR == 1 { name = FILENAME; found = 0 }
            FNR <= 3 && /SPDX-License-Identifier: GPL-3.0-or-later/ { found = 1 }
            function missing() { if (!found) print name ": no SPDX line at its top" }
            END { missing() }'
    # Skips end in exit code 77 in one place a language: tests/skips.h, tests/cli/harness.py.
    grep -rnE '[^_[:alnum:]][s]kip\(\);' tests --include='*.c' |
        sed 's|$|: skips without SKIP_BECAUSE|'
    grep -rnE 'exit\([7]7\)' tests --include='*.py' | grep -v '^tests/cli/harness.py:' |
        sed 's|$|: skips without harness.Skip|'
    # The bracket keeps this file from finding itself.
    texts | tr '\n' '\0' | xargs -0 grep -nE '(^|[^[:alnum:]_.])/([w]ork|[t]mp|[h]ome|[r]oot)/' \
        /dev/null | sed 's|$|: a path of one machine|'
    texts | tr '\n' '\0' | xargs -0 grep -nE '[T]ODO|[F]IXME' /dev/null |
        sed 's|$|: unfinished|'

    unlisted kernels kernels/meson.build
    for folder in src/*/; do
        [ ! -f "${folder}meson.build" ] || unlisted "$folder" "${folder}meson.build"
    done
    unlisted_tests
}

cd "$tree" || exit 1
found=$(violations 2>&1)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo 'ok      the tree'

# ---- the checks themselves: everything that is forbidden, planted in one copy ----

copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
cp -R kernels src tests meson.build bootstrap.sh .ci "$copy/" || exit 1
cd "$copy" || exit 1
licence='/* SPDX-License-Identifier: GPL-3.0-or-later */'
expected=$copy/expected

# plant FILE REASON LINE: a new file that holds the line, to be refused for that reason.
plant() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "$licence" "$3" >"$1"
    printf '%s\t%s\n' "$1" "$2" >>"$expected"
}

plant kernels/bad1.h 'includes nothing from src' '#include "../src/machine/isa.h"'
plant kernels/bad2.h 'uses no library' '#include <gsl/gsl_math.h>'
plant kernels/dense/bad3.c 'not listed in kernels/meson.build' ''
plant src/machine/bad4.c 'not listed in src/machine/meson.build' ''
plant src/measure/bad5.h 'neither kernels nor plans' '#include "../study/plan.h"'
plant src/measure/bad6.h 'neither kernels nor plans' '#include "../../kernels/kernel.h"'
plant src/study/bad7.h 'belong to machine/' '#include <hwloc.h>'
plant src/study/bad8.h 'belong to machine/' '#  include <numa.h>'
plant src/machine/bad9.h 'belongs to counters/likwid.c' '#include <likwid.h>'
plant src/cli/bad10.h 'belongs to report/' '#include <jansson.h>'
plant src/cli/bad11.h 'belongs to study/' '#include <cyaml/cyaml.h>'
plant src/machine/bad12.h 'belongs to machine/isa.c' '#include <cpuid.h>'
plant src/cli/bad13.h 'belongs to machine/isa.c' 'int x = __builtin_cpu_supports("avx2");'
plant src/machine/bad14.h 'machine/ comes first' '#include "../study/plan.h"'
plant src/codec/bad15.h 'knows no host' '#include "../machine/isa.h"'
plant src/report/bad16.h 'computes nothing' '#include "../study/plan.h"'
plant src/study/bad17.h 'does not know the command line' '#include "../cli/cli.h"'
plant src/cli/bad18.h 'more than 100 columns' "/* $(printf '%0101d' 0) */"
plant src/cli/bad19.h 'a tab' "$(printf 'int x;\tint y;')"
plant src/cli/bad20.h 'a path of one machine' "const char *path = \"/$(echo work)/main\";"
plant src/cli/bad21.h 'unfinished' "/* $(echo TO)DO */"
plant src/cli/bad22.h 'fewer than 450' "$(yes '/* long */' | head -n 449)"
plant tests/cli/test_bad23.sh 'not listed in its meson.build' ''
plant tests/codec/test_bad24.c 'not listed in its meson.build' ''
plant tests/codec/bad26.c 'skips without SKIP_BECAUSE' '    skip();'
licence='# SPDX-License-Identifier: GPL-3.0-or-later'
plant tests/cli/bad27.py 'skips without harness.Skip' "    sys.$(echo ex)it(77)"
plant tests/cli/bad28.py 'more than 100 columns' "# $(printf '%0101d' 0)"
licence='/* by nobody */'
plant src/cli/bad25.h 'no SPDX line' ''

violations >"$copy/found" 2>&1
failed=0
while IFS="$(printf '\t')" read -r file reason; do
    if grep -F "$file:" "$copy/found" | grep -qF "$reason"; then
        echo "ok      $file: $reason"
    else
        echo "FAILED  $file is not refused with '$reason'"
        failed=1
    fi
done <"$expected"
# Nothing but what was planted is found.
if grep -vE '/(test_)?bad[0-9]+\.' "$copy/found"; then
    echo 'FAILED  the lines above were not planted'
    failed=1
fi
exit "$failed"
