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
    find kernels src tests -type f \( -name '*.[ch]' -o -name '*.inc' \) 2>/dev/null
}

texts() {
    find kernels src tests schema profiles plots .ci -type f ! -name '*.npy' ! -name '*.pyc' \
        ! -path 'tests/fixtures/*' ! -path 'profiles/data/*' 2>/dev/null
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

    sources | while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -lt 450 ] || echo "$file: $lines lines, a file has fewer than 450"
        grep -nE '^.{101,}' "$file" | sed "s|^\([0-9]*\):.*|$file:\1: more than 100 columns|"
        # shellcheck disable=SC1003 # a pattern, no escape
        grep -nP '\t' "$file" | sed "s|^\([0-9]*\):.*|$file:\1: a tab|"
    done
    texts | while read -r file; do
        case $file in
            *.c | *.h | *.inc | *.sh | *.py | *.gp | *.yaml | */meson.build | meson.build | .ci/run)
                head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' ||
                    echo "$file: no SPDX line at its top"
                ;;
        esac
    done
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

# ---- the checks themselves ----

copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
failed=0

# plant FILE LINE: with this line in front of (or as) this file, a violation must name the file.
plant() {
    rm -rf "${copy:?}/tree"
    mkdir "$copy/tree"
    cp -R kernels src tests meson.build bootstrap.sh .ci "$copy/tree/" || exit 1
    mkdir -p "$copy/tree/$(dirname "$1")"
    touch "$copy/tree/$1"
    printf '%s\n' "/* SPDX-License-Identifier: GPL-3.0-or-later */" "$2" |
        cat - "$copy/tree/$1" >"$copy/planted"
    cp "$copy/planted" "$copy/tree/$1"
    must_see "$1" "$2"
}

must_see() {
    if (cd "$copy/tree" && violations 2>&1) | grep -qF "$1"; then
        echo "ok      sees $2"
    else
        echo "FAILED  does not see '$2' in $1"
        failed=1
    fi
}

plant kernels/kernel.h '#include "../src/machine/isa.h"'
plant kernels/kernel.h '#include <gsl/gsl_math.h>'
plant kernels/new.c '/* a kernel that Meson does not know */'
plant src/machine/new.c '/* a source that Meson does not know */'
plant src/measure/new.h '#include "../study/plan.h"'
plant src/measure/new.h '#include "../../kernels/kernel.h"'
plant src/study/plan.h '#include <hwloc.h>'
plant src/study/plan.h '#  include <numa.h>'
plant src/machine/machine.h '#include <likwid.h>'
plant src/cli/cli.h '#include <jansson.h>'
plant src/cli/cli.h '#include <cyaml/cyaml.h>'
plant src/machine/machine.h '#include <cpuid.h>'
plant src/cli/cli.h 'int x = __builtin_cpu_supports("avx2");'
plant src/cli/cli.h "/* $(printf '%0101d' 0) */"
plant src/cli/cli.h "$(printf '\tint x;')"
plant src/cli/cli.h "const char *path = \"/$(echo work)/main\";"
plant src/cli/cli.h "/* $(echo TO)DO */"
plant src/cli/cli.h "$(yes '/* long */' | head -n 450)"
plant tests/cli/test_new.sh '# a test that Meson does not know'
plant tests/codec/test_new.c '/* a test that Meson does not know */'

rm -rf "${copy:?}/tree"
mkdir "$copy/tree"
cp -R kernels src tests meson.build bootstrap.sh .ci "$copy/tree/"
sed -i 1,3d "$copy/tree/src/cli/cli.h"
must_see 'src/cli/cli.h: no SPDX' 'a source without its licence'

exit "$failed"
