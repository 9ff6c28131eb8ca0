/* The composition root: the one place where the layers meet. */
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include <log/log.h>

#include "config.h"

struct app;

/* Opens the data directory, folds the log, starts the threads, listens. 0, or -1 with one line in
 * ret_error. What log points to must outlive the app. */
int app_new(const struct config *config, const struct log_sink *log, struct app **ret_app,
            char ret_error[CONFIG_ERROR_BYTES]);
/* Drains and closes, in the reverse order. NULL is fine. */
void app_free(struct app *app);

/* Reads the files of the certificate again. 0, or -1 with one line in ret_error: the old one stays.
 */
__attribute__((warn_unused_result)) int app_renew_certificate(struct app *app, char ret_error[256]);

const char *app_url(const struct app *app);
/* Why the daemon can no longer store anything; NULL: it can. */
const char *app_broken(const struct app *app);

#endif
