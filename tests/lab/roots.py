# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that stand for "/": the files of /proc and /sys of machines as Linux shows them.

The formats were recorded from real machines and guests; the figures are those of the kind of
machine that each name says.
"""

import os


def mask(cpus):
    """A set of CPUs as sysfs writes it: words of 32 bits, the highest first."""
    value = sum(1 << cpu for cpu in cpus)
    words = []
    while value or not words:
        words.append(f"{value & 0xffffffff:08x}")
        value >>= 32
    return ",".join(reversed(words))


class Root:
    """The files of one machine, collected by path."""

    def __init__(self, total_kib, available_kib):
        self.files = {"proc/meminfo": f"MemTotal: {total_kib} kB\nMemAvailable: {available_kib} kB",
                      "proc/cpuinfo": ""}
        self.cpus, self.nodes = [], []

    def put(self, path, text):
        """One file below /sys/devices/system."""
        self.files["sys/devices/system/" + path] = str(text)

    def core(self, siblings, core_id, package, package_cpus):
        """A core with these CPUs."""
        for cpu in siblings:
            self.cpus.append(cpu)
            for name, value in (("core_id", core_id), ("physical_package_id", package),
                                ("core_cpus", mask(siblings)), ("thread_siblings", mask(siblings)),
                                ("package_cpus", mask(package_cpus)),
                                ("core_siblings", mask(package_cpus))):
                self.put(f"cpu/cpu{cpu}/topology/{name}", value)
        return self

    def cache(self, index, level, kind, size_kib, cpus):
        """A cache that these CPUs share."""
        for cpu in cpus:
            for name, value in (("level", level), ("type", kind), ("size", f"{size_kib}K"),
                                ("shared_cpu_map", mask(cpus)), ("coherency_line_size", 64)):
                self.put(f"cpu/cpu{cpu}/cache/index{index}/{name}", value)
        return self

    def node(self, number, cpus, total_kib, free_kib, distances):
        """A NUMA node."""
        self.nodes.append(number)
        self.put(f"node/node{number}/cpumap", mask(cpus))
        self.put(f"node/node{number}/distance", " ".join(map(str, distances)))
        self.put(f"node/node{number}/meminfo", f"Node {number} MemTotal: {total_kib} kB\n"
                                               f"Node {number} MemFree: {free_kib} kB")
        return self

    def write(self, folder):
        """Writes the files below the folder."""
        self.put("cpu/online", ",".join(map(str, sorted(self.cpus))))
        self.put("node/online", ",".join(map(str, sorted(self.nodes))))
        self.files["proc/cpuinfo"] = "\n\n".join(f"processor\t: {cpu}" for cpu in sorted(self.cpus))
        for path, text in self.files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")


def cloud_guest_without_caches():
    """Two CPUs, no cache folder, and a node that knows of less than a third of the memory."""
    root = Root(24680000, 23700000)
    for cpu in (0, 1):
        root.core([cpu], cpu, 0, [0, 1])
    return root.node(0, [0, 1], 6900000, 6100000, [10])


def hybrid_laptop():
    """4 performance cores with 2 threads each, 8 efficient cores in two groups of 4."""
    root, everything = Root(32768000, 30000000), range(16)
    for i in range(4):
        pair = [2 * i, 2 * i + 1]
        root.core(pair, 4 * i, 0, everything)
        root.cache(0, 1, "Data", 48, pair).cache(1, 1, "Instruction", 32, pair)
        root.cache(2, 2, "Unified", 2048, pair)
    for i in range(8):
        cpu, group = 8 + i, range(8 + i // 4 * 4, 12 + i // 4 * 4)
        root.core([cpu], 32 + i, 0, everything).cache(0, 1, "Data", 32, [cpu])
        root.cache(1, 1, "Instruction", 64, [cpu])
        if i % 4 == 0:
            root.cache(2, 2, "Unified", 4096, group)
    root.cache(3, 3, "Unified", 24576, everything)
    return root.node(0, everything, 32768000, 29000000, [10])


def memory_expander():
    """Two sockets, and a node without CPUs behind the first."""
    root = Root(1180000000, 1100000000)
    for cpu in range(4):
        socket = [0, 1] if cpu < 2 else [2, 3]
        root.core([cpu], cpu % 2, cpu // 2, socket).cache(0, 1, "Data", 32, [cpu])
        root.cache(2, 2, "Unified", 1024, [cpu])
    root.cache(3, 3, "Unified", 36864, [0, 1]).cache(3, 3, "Unified", 36864, [2, 3])
    return (root.node(0, [0, 1], 390000000, 380000000, [10, 21, 17])
            .node(1, [2, 3], 390000000, 385000000, [21, 10, 28])
            .node(2, [], 400000000, 399000000, [17, 28, 10]))


def smt4_with_offline_cpus():
    """Two cores of 4 threads, of which 1, 2 and 7 are offline."""
    root = Root(8388608, 8000000)
    root.core([0, 3], 0, 0, [0, 3, 4, 5, 6]).core([4, 5, 6], 8, 0, [0, 3, 4, 5, 6])
    root.cache(0, 1, "Data", 32, [0, 3]).cache(0, 1, "Data", 32, [4, 5, 6])
    root.cache(2, 2, "Unified", 512, [0, 3]).cache(2, 2, "Unified", 512, [4, 5, 6])
    return root.node(0, [0, 3, 4, 5, 6], 8388608, 7900000, [10])


def node_numbers_with_gaps():
    """Nodes 0 and 8, as on machines whose sockets keep room for others."""
    root = Root(65536000, 60000000)
    for cpu in range(4):
        socket = [0, 1] if cpu < 2 else [2, 3]
        root.core([cpu], cpu % 2, cpu // 2 * 8, socket).cache(0, 1, "Data", 64, [cpu])
    return (root.node(0, [0, 1], 32768000, 30000000, [10, 40])
            .node(8, [2, 3], 32768000, 30000000, [40, 10]))
