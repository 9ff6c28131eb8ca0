/* Figures of this process, from /proc. */
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <proto/metrics.h>

#include "verbs.h"

/* Less the one that looks. */
static double count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double count = -1;

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

struct process {
    double threads, started_ticks, virtual_bytes, resident_pages; /* fields 20, 22, 23, 24 */
};

/* The program's name, in front, may hold anything but ends with the last ')'. */
static int read_process(struct process *ret_process)
{
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    const char *rest = NULL;

    if (file && fread(text, 1, sizeof text - 1, file) > 0)
        rest = strrchr(text, ')');
    if (file)
        fclose(file);
    return rest && sscanf(
                       rest,
                       ") %*c%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s %lf %*s %lf %lf %lf",
                       &ret_process->threads, &ret_process->started_ticks,
                       &ret_process->virtual_bytes, &ret_process->resident_pages) == 4
               ? 0
               : -1;
}

/* Started so many ticks after the machine; when that was, two clocks tell. */
static double start_time_s(double started_ticks)
{
    struct timespec wall, boot;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + 1e-9 * (double)(wall.tv_nsec - boot.tv_nsec) +
           started_ticks / (double)sysconf(_SC_CLK_TCK);
}

void api_process_metrics(FILE *out)
{
    struct process process;
    struct rlimit files;
    struct rusage used;

    if (read_process(&process) == 0) {
        proto_metrics_single(out, "process_resident_memory_bytes", "gauge",
                             "Memory that is in use.",
                             process.resident_pages * (double)sysconf(_SC_PAGESIZE));
        proto_metrics_single(out, "process_virtual_memory_bytes", "gauge", "Addresses in use.",
                             process.virtual_bytes);
        proto_metrics_single(out, "process_threads", "gauge", "Threads.", process.threads);
        proto_metrics_single(out, "process_start_time_seconds", "gauge",
                             "When the process began, since 1970.",
                             start_time_s(process.started_ticks));
    }
    proto_metrics_single(out, "process_open_fds", "gauge", "Open files and sockets.",
                         count_descriptors());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        proto_metrics_single(out, "process_max_fds", "gauge", "How many there may be.",
                             (double)files.rlim_cur);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        proto_metrics_single(out, "process_cpu_seconds_total", "counter", "Processor time used.",
                             (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                                 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
}
