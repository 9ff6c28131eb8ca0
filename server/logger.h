/* The daemon's log: one line a record on standard error. Any thread. */
#ifndef SERVER_LOGGER_H
#define SERVER_LOGGER_H

#include <log/log.h>

struct logger {
    enum log_level least; /* what is below is dropped */
    enum log_form form;
};

/* For a log_sink; arg is a const struct logger *. */
void logger_take(const struct log_record *record, void *arg);

#endif
