/* Requests that wait without a thread: long polls, and followers of server-sent events.
 *
 * A connection's thread costs 150 KiB, and libmicrohttpd cannot suspend a connection that has one.
 * So a request whose handler has nothing to tell yet leaves the library: its socket is taken over
 * by one thread that holds them all, asks the handlers again after each change, and writes the
 * answers. The library is left with another descriptor under the socket's number, which it closes.
 * An answer that was waited for is its connection's last.
 *
 * A TLS session cannot leave the library. There the connection's own thread waits (held.h).
 *
 * What happens to a request here: its token is looked at again twice a second, and one that is no
 * longer good ends it; so does a project that is deleted, a client that goes away or reads nothing
 * for a while, and a stop of the server.
 */
#ifndef HTTP_WAITING_H
#define HTTP_WAITING_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "request.h"

struct http_room;

/* max 0: nobody may wait. NULL: no thread, no descriptor or no memory. */
struct http_room *http_room_new(struct http_server *server, size_t max, size_t max_per_address);
/* Ends all that wait: a long poll with what there is, a stream where it stands. From then on nobody
 * waits. Returns when all answers have been sent, or after a moment. */
void http_room_close(struct http_room *room);
bool http_room_closed(struct http_room *room);
void http_room_free(struct http_room *room); /* closed before; NULL is fine */
/* Something may have changed: see http_config.watch. Any thread. */
void http_room_wake(void *room);

/* After dispatch has left a request that waits (request->waits): takes over the request and fd,
 * whose number is another's from then on. False: there is no room, or it is closed. */
__attribute__((warn_unused_result)) bool http_room_take(struct http_room *room,
                                                        struct http_request *request, int fd);

#endif
