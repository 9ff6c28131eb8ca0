/* The daemon's log: one line an event on standard error, with its time. Any thread. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

void log_line(const char *line, void *unused);

#endif
