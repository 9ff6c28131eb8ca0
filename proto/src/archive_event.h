/* The part of an event's line in front of its body. */
#ifndef PROTO_SRC_ARCHIVE_EVENT_H
#define PROTO_SRC_ARCHIVE_EVENT_H

#include <proto/archive.h>

#define ARCHIVE_EVENT_FRONT_BYTES 256

/* Its length, or -1: it cannot be said. */
int archive_event_front(const struct proto_archive_event *event,
                        char ret_front[ARCHIVE_EVENT_FRONT_BYTES]);

#endif
