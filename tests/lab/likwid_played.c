/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preloaded: likwid as it is on a machine where it has access. Its groups are those that likwid's
 * own files in the folder $LIKWID_PLAYED define for a CPU; no counter stands behind them, but a
 * recording of which every third step is a whole one: event counts grow by one unit between the
 * first and the second of three readings, by two to the third, by one to the next three, so that
 * work of known size done once and twice is found there. $LIKWID_FAILS is the name of a group that
 * counts in the trial and not afterwards; from when there is a file $LIKWID_HANGS on, no reading
 * comes back.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <likwid.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* likwid.h leaves their arguments open. */
void affinity_init(void);
void affinity_finalize(void);

enum { MAX_EVENTS = 64, MAX_GROUPS = 96, MAX_THREADS = 64, NAME_BYTES = 64 };

/* Of a unit: instructions of the known loop; lines, a quarter of the least stream of 64 MiB for
 * each of the channels; joules; whatever of others. */
#define INSTRUCTIONS 2e6
#define LINES (double)(1 << 18)
#define JOULES .25
#define OTHERS 1e6

static struct {
    char names[MAX_EVENTS][NAME_BYTES];
    int event_count, threads, cpus[MAX_THREADS];
    long reads[MAX_THREADS];
    char groups[MAX_GROUPS][NAME_BYTES];
} play;

static const char *folder(void)
{
    const char *path = getenv("LIKWID_PLAYED");
    return path ? path : "/nonexistent";
}

int access(const char *path, int mode)
{
    typedef int access_fn(const char *, int);
    access_fn *next = (access_fn *)dlsym(RTLD_NEXT, "access");
    return strcmp(path, "/dev/cpu/0/msr") ? next(path, mode) : 0;
}

void perfmon_setVerbosity(int level)
{
    (void)level;
}

int topology_init(void)
{
    return 0;
}

int numa_init(void)
{
    return 0;
}

void affinity_init(void) {}
void topology_finalize(void) {}
void numa_finalize(void) {}
void affinity_finalize(void) {}
void perfmon_finalize(void) {}

int perfmon_getGroups(char ***names, char ***shortly, char ***at_length)
{
    DIR *files = opendir(folder());
    int count = 0;
    for (struct dirent *file; files && (file = readdir(files));) {
        char *end = strstr(file->d_name, ".txt");
        if (end && count < MAX_GROUPS)
            snprintf(play.groups[count++], NAME_BYTES, "%.*s", (int)(end - file->d_name),
                     file->d_name);
    }
    if (files)
        closedir(files);
    *names = calloc((size_t)count + 1, sizeof **names);
    for (int i = 0; *names && i < count; i++)
        (*names)[i] = play.groups[i];
    *shortly = *at_length = NULL;
    return *names ? count : 0;
}

void perfmon_returnGroups(int count, char **names, char **shortly, char **at_length)
{
    (void)count, (void)shortly, (void)at_length;
    free(names);
}

int perfmon_init(int threads, const int *cpus)
{
    memset(play.reads, 0, sizeof play.reads);
    play.threads = threads < MAX_THREADS ? threads : MAX_THREADS;
    memcpy(play.cpus, cpus, (size_t)play.threads * sizeof *cpus);
    return 0;
}

/* "FIXC0 INSTR_RETIRED_ANY" below EVENTSET. */
int perfmon_addEventSet(const char *group)
{
    const char *fails = getenv("LIKWID_FAILS");
    char path[512], line[512];
    bool inside = false;
    if (fails && !strcmp(fails, group) && play.threads > 1)
        return -1;
    snprintf(path, sizeof path, "%s/%s.txt", folder(), group);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    play.event_count = 0;
    while (fgets(line, sizeof line, file) && strncmp(line, "METRICS", 7)) {
        char counter[NAME_BYTES];
        if (inside && play.event_count < MAX_EVENTS &&
            sscanf(line, "%63s %63s", counter, play.names[play.event_count]) == 2)
            play.event_count++;
        inside |= !strncmp(line, "EVENTSET", 8);
    }
    fclose(file);
    return 0;
}

int perfmon_setupCounters(int group)
{
    return group;
}

int perfmon_startCounters(void)
{
    return 0;
}

int perfmon_stopCounters(void)
{
    return 0;
}

int perfmon_getNumberOfEvents(int group)
{
    (void)group;
    return play.event_count;
}

char *perfmon_getEventName(int group, int event)
{
    (void)group;
    return play.names[event];
}

int perfmon_readCountersCpu(int cpu)
{
    const char *hangs = getenv("LIKWID_HANGS");
    while (hangs && !access(hangs, F_OK))
        pause();
    for (int t = 0; t < play.threads; t++)
        if (play.cpus[t] == cpu)
            play.reads[t]++;
    return 0;
}

/* What is the package's is read by its first CPU alone, as likwid does. */
double perfmon_getResult(int group, int event, int thread)
{
    static const double within[] = {0, 1, 3};
    const char *name = play.names[event];
    long read = play.reads[thread] - 1;
    double units = 4. * (double)(read / 3) + within[read % 3];
    (void)group;
    if (!strcmp(name, "INSTR_RETIRED_ANY"))
        return INSTRUCTIONS * units;
    if (!strncmp(name, "CAS_COUNT", 9))
        return thread ? 0 : LINES * units;
    if (!strncmp(name, "PWR_", 4))
        return thread ? 0 : JOULES * units;
    return strncmp(name, "TEMP", 4) ? OTHERS * units : 40;
}
