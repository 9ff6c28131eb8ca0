/* amfd: arguments, signals, exit codes. */
#include <errno.h>
#include <malloc.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <amf/processor.h>

#include "app.h"
#include "log.h"
#include "maintenance.h"

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2 };

/* Posted by the handler. A handler, not a blocked signal that main waits for: BLAS starts a thread
 * before main, and a signal delivered to a thread that does not block it would end the process. */
static sem_t stop_asked;

static void ask_to_stop(int number)
{
    (void)number;
    sem_post(&stop_asked);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};

    sem_init(&stop_asked, 0, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* Sleeps a second, or until a signal asks to stop: then true. */
static bool sleep_until_stop(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    while (sem_clockwait(&stop_asked, CLOCK_MONOTONIC, &until))
        if (errno != EINTR)
            return false;
    return true;
}

/* 0 when a signal asked to stop, EXIT_CANNOT when the daemon can store no more. */
static int wait_for_end(const struct app *app, bool stay)
{
    bool told = false;
    char line[512];

    while (!sleep_until_stop()) {
        if (told || !app_broken(app))
            continue;
        snprintf(line, sizeof line, "%s: %s",
                 stay ? "reading only from now on"
                      : "stopping, so that a restart decides what is stored",
                 app_broken(app));
        log_line(line, NULL);
        told = true;
        if (!stay)
            break;
    }
    return app_broken(app) ? EXIT_CANNOT : 0;
}

/* Starts the program again with the best BLAS kernels of this processor; see amf/processor.h. Goes
 * on with those in use if it cannot. */
static void choose_blas_kernels(char **argv)
{
    const char *core = amf_processor_better_core();

    if (core && !setenv("OPENBLAS_CORETYPE", core, 0))
        execv("/proc/self/exe", argv);
}

/* Without bounds, memory of many uploads at once stays with the arenas of their threads: 1 GiB
 * after 200 of 8 MiB. Larger pieces than this go back at once; smaller ones, which rankings take
 * again and again, do not cost their pages anew. */
static void bound_free_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_ARENA_MAX, 4);
}

/* Every connection and stream costs a descriptor, and the soft limit is there for programs that use
 * select. */
static void raise_open_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int run(const struct config *config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    struct app *app = NULL;
    int status;

    catch_signals();
    bound_free_memory();
    raise_open_files();
    if (app_new(config, &app, error)) {
        fprintf(stderr, "amfd: %s\n", error);
        return EXIT_CANNOT;
    }
    printf("listening on %s\n", app_url(app));
    fflush(stdout);
    status = wait_for_end(app, config->on_fsync_error == CONFIG_STAY);
    app_free(app);
    return status;
}

static int maintain(enum config_outcome what, const struct config *config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    enum maintenance_exit outcome = what == CONFIG_CHECK ? maintenance_check(config, stdout, error)
                                                         : maintenance_purge(config, stdout, error);

    if (*error)
        fprintf(stderr, "amfd: %s\n", error);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "amfd: cannot write to standard output\n");
        return MAINTENANCE_CANNOT;
    }
    return (int)outcome;
}

int main(int argc, char **argv)
{
    char error[CONFIG_ERROR_BYTES] = "";
    struct config config;
    enum config_outcome outcome;

    choose_blas_kernels(argv);
    outcome = config_load(argc, argv, &config, error);
    switch (outcome) {
    case CONFIG_HELP:
        config_help(stdout);
        return 0;
    case CONFIG_VERSION:
        puts("amfd " AMF_VERSION);
        return 0;
    case CONFIG_PRINT:
        config_print(&config, stdout);
        return 0;
    case CONFIG_ERROR:
        fprintf(stderr, "amfd: %s\n", error);
        return EXIT_USAGE;
    case CONFIG_CHECK:
    case CONFIG_PURGE:
        return maintain(outcome, &config);
    case CONFIG_RUN:
        break;
    }
    return run(&config);
}
