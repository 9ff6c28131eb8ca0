/* What happened in a project, as it is told to those who follow it.
 *
 * Most of them are all at the end of the log and want the same few events at the same moment. So
 * the newest ones are kept ready as text, made once by the first who asks; what is older is read
 * from the store.
 */
#ifndef STATE_FEED_H
#define STATE_FEED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/wire.h>

struct state;

#define FEED_PAGE_MAX 500 /* events at once */
/* An event whose text is longer is told without the object that it is about. */
#define FEED_EVENT_MAX_BYTES (32 << 10)

/* An event is a cell (cell.h). */
struct feed_event {
    struct proto_event event; /* with its text */
    size_t length;            /* of the text */
};

struct feed_page {
    struct feed_event *events[FEED_PAGE_MAX]; /* a reference each */
    size_t count;
    int64_t seq; /* newest event of the project */
};
void feed_page_deinit(struct feed_page *page);

/* The events after `after`, at most `limit` of them (1 to FEED_PAGE_MAX), and no more than fit into
 * max_bytes of text, but one at least. Any thread; may read from the disk. log_name: of the project
 * that is meant (state_log_name). PROTO_CODE_OK; PROJECT_NOT_FOUND, also when the project of that
 * id is another one by now; INVALID_QUERY: the log ends before `after`; NO_MEMORY; DAMAGED. */
__attribute__((warn_unused_result)) enum proto_code
state_events(struct state *state, const char *project_id, const char *log_name, int64_t after,
             size_t limit, size_t max_bytes, struct feed_page *ret_page,
             struct proto_error *ret_error);

/* Counts what is published of a project: views, rankings, its end. Read it before looking, and look
 * again when it has changed. Valid as long as the state. NULL: there is no such project. */
const atomic_uint_fast64_t *state_changes(struct state *state, const char *project_id);

/* changed(arg) is called after anything of any project was published, and when waiting ends. From
 * any thread, under the registry's mutex: it must not wait, nor call back. One watcher; NULL: none
 * any more, and no call is under way. */
void state_watch(struct state *state, void (*changed)(void *arg), void *arg);

#endif
