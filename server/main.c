/* amfd: arguments, signals, exit codes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <amf/processor.h>

#include "app.h"
#include "log.h"

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2 };

/* Sleeps until a signal asks to stop (0) or the daemon finds that it can store no more
 * (EXIT_CANNOT). */
static int wait_for_end(const struct app *app, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    char line[512];

    for (;;) {
        if (sigtimedwait(signals, NULL, &second) > 0)
            return 0;
        if (app_broken(app)) {
            snprintf(line, sizeof line, "stopping, so that a restart decides what is stored: %s",
                     app_broken(app));
            log_line(line, NULL);
            return EXIT_CANNOT;
        }
    }
}

/* Starts the program again with the best BLAS kernels of this processor; see amf/processor.h. Goes
 * on with those in use if it cannot. */
static void choose_blas_kernels(char **argv)
{
    const char *core = amf_processor_better_core();

    if (core && !setenv("OPENBLAS_CORETYPE", core, 0))
        execv("/proc/self/exe", argv);
}

static int run(const struct config *config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    struct app *app = NULL;
    sigset_t signals;
    int status;

    /* Before any thread exists, so that none of them is interrupted. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (app_new(config, &app, error)) {
        fprintf(stderr, "amfd: %s\n", error);
        return EXIT_CANNOT;
    }
    printf("listening on %s\n", app_url(app));
    fflush(stdout);
    status = wait_for_end(app, &signals);
    app_free(app);
    return status;
}

int main(int argc, char **argv)
{
    char error[CONFIG_ERROR_BYTES] = "";
    struct config config;

    choose_blas_kernels(argv);
    switch (config_load(argc, argv, &config, error)) {
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
    case CONFIG_RUN:
        break;
    }
    return run(&config);
}
