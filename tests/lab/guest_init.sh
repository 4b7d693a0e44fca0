#!/bin/busybox sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The first process of a guest: mounts what a Linux program expects, runs /scenario, sends the
# folder /out as a tar file to the second serial port and powers the guest off. That is ttyS1 beside
# a console on ttyS0, or the only one of its kind.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
export KVROOF_DATA=/data XDG_CONFIG_HOME=/config LC_ALL=C.UTF-8 TERM=dumb NO_COLOR=1
mkdir -p /out
cd /tmp || poweroff -f

# keep NAME COMMAND...: its output and its exit code as files.
keep() {
    name=$1
    shift
    echo "$*" >"/out/$name.command"
    "$@" >"/out/$name.out" 2>"/out/$name.err"
    echo $? >"/out/$name.code"
}

# watch NAME RUN-COMMAND...: until the keys lie in memory and the threads are pinned; then the
# kernel's own account of both is kept, and the run is interrupted.
watch() {
    name=$1
    shift
    echo "$*" >"/out/$name.command"
    "$@" >"/out/$name.out" 2>"/out/$name.err" &
    pid=$!
    until grep -q measuring "/out/$name.err" || ! kill -0 $pid 2>/dev/null; do
        usleep 20000
    done
    cat /proc/$pid/numa_maps >"/out/$name.maps"
    grep -h Cpus_allowed_list /proc/$pid/task/*/status >"/out/$name.cpus"
    kill -INT $pid
    wait $pid
    echo $? >"/out/$name.code"
}

. /scenario

dmesg >/out/dmesg.out
port=/dev/ttyS0
grep -q console=ttyS0 /proc/cmdline && port=/dev/ttyS1
stty -F $port raw
tar c -f $port -C /out .
echo 'kvroof guest: the last line'
poweroff -f
