/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command table, and what --help and the manual say about all commands.
 */
#include "commands.h"

const char kvr_purpose[] =
    "measures attention score kernels over compressed KV-cache keys on this machine\n"
    "and says what binds each of them: the memory or the core.";

const struct kvr_command kvr_commands[] = {
    {"run", "measure kernels; print a table and the verdict, write results", kvr_cmd_run,
     &kvr_run_argp},
    {"roofs", "the machine's own ceilings: bandwidth per level, a rate per core resource",
     kvr_cmd_roofs, &kvr_roofs_argp},
    {"show", "table, verdicts and claims of a stored result", kvr_cmd_show, &kvr_show_argp},
    {"verify", "check every kernel against its reference", kvr_cmd_verify, &kvr_verify_argp},
    {"fidelity", "how close each codec's attention comes to exact attention, on real tensors",
     kvr_cmd_fidelity, &kvr_fidelity_argp},
    {"compare", "is it slower? two results, or two programs run in turn", kvr_cmd_compare,
     &kvr_compare_argp},
    {"plot", "pictures of stored results", kvr_cmd_plot, &kvr_plot_argp},
    {"report", "one self-contained HTML page of stored results", kvr_cmd_report,
     &kvr_report_argp},
    {"export", "a stored result in the formats of other programs", kvr_cmd_export,
     &kvr_export_argp},
    {"fleet", "many nodes: results side by side, outliers; or run on all of them", kvr_cmd_fleet,
     &kvr_fleet_argp},
    {"doctor", "what this machine can and cannot measure, why, and what would help",
     kvr_cmd_doctor, &kvr_doctor_argp},
    {"list", "kernels, codecs, profiles, instruction sets, topology, checks", kvr_cmd_list,
     &kvr_list_argp},
};
const size_t kvr_command_count = sizeof kvr_commands / sizeof *kvr_commands;

const struct kvr_exit_meaning kvr_exit_meanings[] = {
    {KVR_EXIT_OK, "done", ""},
    {KVR_EXIT_NO, "the answer is no",
     "a regression, a score that differs from its reference, a warning under --strict, or a call "
     "in measured code under --prove"},
    {KVR_EXIT_USAGE, "usage", "a wrong option, or input that cannot be read"},
    {KVR_EXIT_IMPOSSIBLE, "impossible here",
     "this machine lacks what an option asks for"},
    {KVR_EXIT_INCONCLUSIVE, "inconclusive",
     "compare: too few processes or too much noise to decide, or two machines"},
    {KVR_EXIT_IO, "input or output", "an output that cannot be written"},
    {KVR_EXIT_INTERRUPTED, "interrupted", "what was measured is kept and marked"},
};
const size_t kvr_exit_meaning_count = sizeof kvr_exit_meanings / sizeof *kvr_exit_meanings;
