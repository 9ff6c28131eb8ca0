/* amfd: arguments, signals, exit codes. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <amf/processor.h>

#include "app.h"
#include "logger.h"
#include "maintenance.h"
#include "notify.h"
#include "replay.h"

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2 };

enum {
    /* A stop takes no longer, whatever hangs. More than requests under way are given
     * (HTTP_DRAIN_MAX_MS) and the commit of a large import after them; less than the unit file's
     * TimeoutStopSec. */
    STOP_MAX_S = 60,
    /* A second signal ends the process at once, but not one that came with the first: some
     * supervisors signal a process and its group. */
    SECOND_SIGNAL_AFTER_MS = 1000
};

/* Posted by the handler. A handler, not a blocked signal that main waits for: BLAS starts a thread
 * before main, and a signal delivered to a thread that does not block it would end the process. */
static sem_t stop_asked;
static volatile sig_atomic_t renewal_asked;

static void ask_to_stop(int number)
{
    (void)number;
    sem_post(&stop_asked);
}

static void ask_to_renew(int number)
{
    (void)number;
    renewal_asked = 1;
}

/* Without a certificate SIGHUP ends the program, as it does any other. */
static void catch_signals(bool tls)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};

    sem_init(&stop_asked, 0, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = ask_to_renew;
    if (tls)
        sigaction(SIGHUP, &action, NULL);
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

static void renew_when_asked(struct app *app, const struct log_sink *log)
{
    char error[256] = "";

    if (!renewal_asked)
        return;
    renewal_asked = 0;
    if (app_renew_certificate(app, error) == 0) {
        log_tell(log, LOG_INFO, "certificate renewed", NULL, 0);
        return;
    }
    const struct log_field reason = log_text("reason", error);
    log_tell(log, LOG_ERROR, "certificate not renewed; the one before stays in use", &reason, 1);
}

/* 0 when a signal asked to stop, EXIT_CANNOT when the daemon can store no more. */
static int wait_for_end(struct app *app, bool stay, const struct log_sink *log)
{
    bool told = false;

    while (!sleep_until_stop()) {
        renew_when_asked(app, log);
        if (told || !app_broken(app))
            continue;
        const struct log_field why = log_text("reason", app_broken(app));
        log_tell(log, LOG_ERROR,
                 stay ? "reading only from now on"
                      : "stopping, so that a restart decides what is stored",
                 &why, 1);
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

/* What has been acknowledged is on disk, so ending here loses no more than a kill would: nothing
 * that anybody was told of. */
__attribute__((noreturn)) static void end_at_once(const struct log_sink *log, const char *why)
{
    log_tell(log, LOG_ERROR, why, NULL, 0);
    _exit(EXIT_CANNOT);
}

static int64_t ms_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began->tv_sec) * 1000LL + (now.tv_nsec - began->tv_nsec) / 1000000;
}

struct guard {
    const struct log_sink *log;
    atomic_bool stopped; /* then stop_asked is posted once more */
};

/* While the daemon stops. Told to end and not cancelled: a cancelled thread does not unwind, and
 * AddressSanitizer takes what is left of its stack for an error. */
static void *guard_stop(void *arg)
{
    struct guard *guard = arg;
    struct timespec began, until;

    clock_gettime(CLOCK_MONOTONIC, &began);
    until = began;
    until.tv_sec += STOP_MAX_S;
    for (;;) {
        if (sem_clockwait(&stop_asked, CLOCK_MONOTONIC, &until)) {
            if (errno != EINTR)
                end_at_once(guard->log, "stopping took too long; ended in the middle of it");
            continue;
        }
        if (atomic_load(&guard->stopped))
            return NULL;
        if (ms_since(&began) >= SECOND_SIGNAL_AFTER_MS)
            end_at_once(guard->log, "ended in the middle of stopping by a second signal");
    }
}

static void stop(struct app *app, struct log_sink *log)
{
    struct guard guard = {.log = log};
    pthread_t thread;
    bool guarded = pthread_create(&thread, NULL, guard_stop, &guard) == 0;

    notify_manager("STOPPING=1\nSTATUS=Finishing requests under way");
    log_tell(log, LOG_INFO, "stopping", NULL, 0);
    app_free(app);
    if (!guarded)
        return;
    atomic_store(&guard.stopped, true);
    sem_post(&stop_asked);
    pthread_join(thread, NULL);
    log_tell(log, LOG_INFO, "stopped", NULL, 0);
}

static void tell_ready(const struct app *app, const struct config *config,
                       const struct log_sink *log)
{
    const struct log_field fields[] = {log_text("version", AMF_VERSION),
                                       log_text("url", app_url(app)),
                                       log_text("data", config->data)};

    log_tell(log, LOG_INFO, "started", fields, 3);
    printf("listening on %s\n", app_url(app));
    fflush(stdout);
    notify_manager("READY=1\nSTATUS=Ready");
}

/* Without a table of fields where people look at it, as one line of the log where programs do. */
static int cannot_start(const struct config *config, const struct log_sink *log, const char *error)
{
    const struct log_field reason = log_text("reason", error);

    if (config->log_format == LOG_FORM_JSON)
        log_tell(log, LOG_ERROR, "cannot start", &reason, 1);
    else
        fprintf(stderr, "amfd: %s\n", error);
    return EXIT_CANNOT;
}

static int run(const struct config *config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    struct logger logger = {(enum log_level)config->log_level, (enum log_form)config->log_format};
    struct log_sink log = {logger_take, &logger};
    struct app *app = NULL;
    int status;

    catch_signals(*config->tls_cert != '\0');
    bound_free_memory();
    raise_open_files();
    if (app_new(config, &log, &app, error))
        return cannot_start(config, &log, error);
    tell_ready(app, config, &log);
    status = wait_for_end(app, config->on_fsync_error == CONFIG_STAY, &log);
    stop(app, &log);
    return status;
}

static int maintain(enum config_outcome what, const struct config *config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    enum maintenance_exit outcome =
        what == CONFIG_CHECK ? maintenance_check(config, stdout, error)
        : what == CONFIG_PURGE
            ? maintenance_purge(config, stdout, error)
            : maintenance_replay(config, stdout, isatty(STDERR_FILENO) ? stderr : NULL, error);

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
    case CONFIG_REPLAY:
        return maintain(outcome, &config);
    case CONFIG_RUN:
        break;
    }
    return run(&config);
}
