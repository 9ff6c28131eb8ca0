/* Events as they are told: read from the log, described, kept while they are new; state/feed.h. */
#include <state/feed.h>

#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "project_internal.h"
#include "registry.h"

#define TAIL_EVENTS 256
#define TAIL_BYTES ((size_t)1 << 20)
#define STOPPED 1 /* a page is full */

struct feed {
    pthread_mutex_t mutex; /* held while the newest are read: who else comes wants the same */
    struct feed_event *tail[TAIL_EVENTS]; /* a ring of consecutive events */
    size_t first, count, bytes;
};

struct feed *feed_new(void)
{
    struct feed *feed = calloc(1, sizeof *feed);

    if (feed)
        pthread_mutex_init(&feed->mutex, NULL);
    return feed;
}

static void tail_drop(struct feed *feed)
{
    struct feed_event *oldest = feed->tail[feed->first];

    feed->bytes -= oldest->length;
    feed->first = (feed->first + 1) % TAIL_EVENTS;
    feed->count--;
    cell_unref(oldest);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    while (feed->count > 0)
        tail_drop(feed);
    pthread_mutex_destroy(&feed->mutex);
    free(feed);
}

void feed_page_deinit(struct feed_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        cell_unref(page->events[i]);
    page->count = 0;
}

static struct feed_event *tail_get(const struct feed *feed, size_t place)
{
    return feed->tail[(feed->first + place) % TAIL_EVENTS];
}

/* Takes over the event. */
static void tail_add(struct feed *feed, struct feed_event *event)
{
    while (feed->count == TAIL_EVENTS || (feed->count > 0 && feed->bytes > TAIL_BYTES))
        tail_drop(feed);
    feed->tail[(feed->first + feed->count) % TAIL_EVENTS] = event;
    feed->count++;
    feed->bytes += event->length;
}

/* An assignment that has ended does not change any more, so the view has it as its event left it.
 */
static int describe_end(struct proto_event *event, const struct view *view, const void *body,
                        struct proto_arena *arena)
{
    struct assignment *assignment;

    event->id = ((const struct proto_event_assignment_end *)body)->id;
    assignment = view_find_assignment(view, event->id);
    if (!assignment)
        return 0;
    event->assignment = proto_arena_alloc(arena, 1, sizeof *event->assignment);
    return event->assignment ? proto_copy(&proto_assignment_shape, &assignment->assignment, arena,
                                          event->assignment)
                             : -1;
}

/* It may have been renewed again or ended since: what a renewal leaves is said here. */
static int describe_renewal(struct proto_event *event, const struct view *view, const void *body,
                            struct proto_arena *arena)
{
    const struct proto_event_renewed *renewed = body;
    const struct proto_event_assignment_end named = {.id = renewed->id};
    char *expires_at = proto_arena_alloc(arena, CLOCK_TEXT_BYTES, 1);

    if (!expires_at || describe_end(event, view, &named, arena))
        return -1;
    event->id = renewed->id;
    if (!event->assignment)
        return 0;
    clock_format(renewed->expires_ms, expires_at);
    event->assignment->state = PROTO_ASSIGNMENT_OPEN;
    event->assignment->fence = event->seq;
    event->assignment->expires_at = expires_at;
    event->assignment->demonstration = event->assignment->to = event->assignment->reason = NULL;
    return 0;
}

/* body: of that shape, and in the event's arena. What the view lends is copied. A kind whose shape
 * is not here is told by its type alone. 0, or -1: out of memory. */
static int describe(struct proto_event *event, const struct view *view,
                    const struct proto_shape *shape, void *body, struct proto_arena *arena)
{
    if (shape == &proto_event_assignment_end_shape || shape == &proto_event_assignment_skip_shape)
        return describe_end(event, view, body, arena);
    if (shape == &proto_event_renewed_shape)
        return describe_renewal(event, view, body, arena);
    if (shape == &proto_project_shape) {
        event->project = body;
        event->id = event->project->id = view->id; /* an imported log has another's */
    } else if (shape == &proto_task_shape) {
        event->task = body;
        event->id = event->task->key;
    } else if (shape == &proto_demonstration_summary_shape) {
        event->demonstration = body;
        event->id = event->demonstration->id;
        event->demonstration->seq = event->seq;
        event->demonstration->at = event->at;
    } else if (shape == &proto_event_removed_shape) {
        event->id = ((struct proto_event_removed *)body)->key;
        event->reason = ((struct proto_event_removed *)body)->reason;
    } else if (shape == &proto_event_opened_shape) {
        event->assignment = &((struct proto_event_opened *)body)->assignment;
        event->id = event->assignment->id;
    } else if (shape == &proto_event_policy_shape) {
        event->id = event->revision = ((struct proto_revision *)body)->revision;
    } else if (shape == &proto_event_activated_shape) {
        event->id = event->revision = ((struct proto_event_activated *)body)->revision;
    } else if (shape == &proto_event_features_shape) {
        event->id = ((struct proto_event_features *)body)->demonstration;
        event->revision = ((struct proto_event_features *)body)->revision;
    }
    return 0;
}

/* Puts the text into the event's arena, and lets go of what is not the event's own. */
static int write_text(struct feed_event *cell)
{
    struct proto_event *event = &cell->event;
    char *text = NULL;
    size_t length;
    int status = proto_encode(&proto_event_shape, event, &text, &length);

    if (!status && length > FEED_EVENT_MAX_BYTES) {
        free(text);
        event->project = NULL;
        event->task = NULL;
        event->demonstration = NULL;
        event->assignment = NULL;
        status = proto_encode(&proto_event_shape, event, &text, &length);
    }
    if (status)
        return status < 0 ? STORE_NO_MEMORY : STORE_CORRUPT;
    event->text = proto_arena_strndup(cell_arena(cell), text, length);
    cell->length = length;
    free(text);
    return event->text ? 0 : STORE_NO_MEMORY;
}

static int fill(struct feed_event *cell, const struct view *view, const struct store_event *stored)
{
    struct proto_arena *arena = cell_arena(cell);
    const struct event_kind *kind = event_kind_find(stored->type);
    char *at = proto_arena_alloc(arena, CLOCK_TEXT_BYTES, 1);
    void *body = kind ? proto_arena_alloc(arena, 1, kind->shape->size) : NULL;
    struct proto_error error;
    enum proto_code code;

    if (!kind)
        return STORE_CORRUPT;
    if (!at || !body)
        return STORE_NO_MEMORY;
    if (kind->shape->set_defaults)
        kind->shape->set_defaults(body);
    code = proto_decode(kind->shape, stored->body, strlen(stored->body), true, arena, body, &error);
    if (code)
        return project_status_of_stored(code);
    clock_format(stored->at_ms, at);
    cell->event = (struct proto_event){.seq = stored->seq, .at = at, .type = kind->type};
    if (describe(&cell->event, view, kind->shape, body, arena) < 0)
        return STORE_NO_MEMORY;
    return write_text(cell);
}

static int event_new(const struct view *view, const struct store_event *stored,
                     struct feed_event **ret_event)
{
    struct feed_event *cell = cell_new(sizeof *cell);
    int status = cell ? fill(cell, view, stored) : STORE_NO_MEMORY;

    if (status)
        cell_unref(cell);
    else
        *ret_event = cell;
    return status;
}

struct extension {
    struct feed *feed;
    const struct view *view;
};

static int extend_tail(const struct store_event *stored, void *arg)
{
    struct extension *extension = arg;
    struct feed_event *event = NULL;
    int status;

    if (stored->seq > extension->view->seq)
        return STOPPED;
    status = event_new(extension->view, stored, &event);
    if (!status)
        tail_add(extension->feed, event);
    return status;
}

/* Brings the tail up to the view. */
static int refresh_tail(struct state *state, struct feed *feed, const struct view *view,
                        const char *log_name)
{
    int64_t last = feed->count ? tail_get(feed, feed->count - 1)->event.seq : 0;
    struct extension extension = {feed, view};
    int status;

    if (last >= view->seq)
        return 0;
    if (view->seq - last > TAIL_EVENTS) {
        while (feed->count > 0)
            tail_drop(feed);
        last = view->seq - TAIL_EVENTS;
    }
    status = store_read_events(state->config.store, log_name, last, false, extend_tail, &extension);
    return status < 0 ? status : 0;
}

struct reading {
    struct feed_page *page;
    const struct view *view;
    size_t limit, bytes, max_bytes;
};

/* Takes over the event. Whether the page has room for more. */
static bool page_add(struct reading *reading, struct feed_event *event)
{
    struct feed_page *page = reading->page;

    if (page->count > 0 && event->length > reading->max_bytes - reading->bytes) {
        cell_unref(event);
        return false;
    }
    page->events[page->count++] = event;
    reading->bytes += event->length < reading->max_bytes - reading->bytes
                          ? event->length
                          : reading->max_bytes - reading->bytes;
    return page->count < reading->limit;
}

static int read_old(const struct store_event *stored, void *arg)
{
    struct reading *reading = arg;
    struct feed_event *event = NULL;
    int status;

    if (stored->seq > reading->view->seq)
        return STOPPED;
    status = event_new(reading->view, stored, &event);
    if (status)
        return status;
    return page_add(reading, event) ? 0 : STOPPED;
}

/* True: the page is made; false: it begins before the tail. The tail may know more than this call's
 * view, if another brought it up to a newer one. */
static bool read_tail(const struct feed *feed, int64_t after, struct reading *reading)
{
    int64_t first = feed->count ? tail_get(feed, 0)->event.seq : INT64_MAX;

    if (after < first - 1)
        return false;
    for (size_t i = (size_t)(after + 1 - first);
         i < feed->count && tail_get(feed, i)->event.seq <= reading->view->seq &&
         page_add(reading, cell_ref(tail_get(feed, i)));
         i++)
        ;
    return true;
}

static int read_page(struct state *state, struct feed *feed, const char *log_name, int64_t after,
                     struct reading *reading)
{
    bool done = false;
    int status;

    pthread_mutex_lock(&feed->mutex);
    status = refresh_tail(state, feed, reading->view, log_name);
    if (!status)
        done = read_tail(feed, after, reading);
    pthread_mutex_unlock(&feed->mutex);
    if (status || done)
        return status;
    status = store_read_events(state->config.store, log_name, after, false, read_old, reading);
    return status < 0 ? status : 0;
}

static enum proto_code unreadable(int status, struct proto_error *ret_error)
{
    if (status == STORE_NO_MEMORY)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "",
                               "The server is out of memory; try again later.");
    return proto_error_set(ret_error, PROTO_CODE_DAMAGED, "",
                           "An event cannot be read back. Stop the server and put a backup in "
                           "place.");
}

/* The view is kept for the time of the call, so the entry's feed is there. */
enum proto_code state_events(struct state *state, const char *project_id, const char *log_name,
                             int64_t after, size_t limit, size_t max_bytes,
                             struct feed_page *ret_page, struct proto_error *ret_error)
{
    struct feed *feed = NULL;
    const char *own_name = NULL;
    struct view *view = state_view_and_feed(state, project_id, &own_name, &feed);
    struct reading reading = {ret_page, view, limit, 0, max_bytes};
    int status = 0;

    ret_page->count = 0;
    if (!view || strcmp(own_name, log_name) != 0) {
        view_unref(view);
        return state_no_project(project_id, ret_error);
    }
    ret_page->seq = view->seq;
    if (after < view->seq)
        status = read_page(state, feed, own_name, after, &reading);
    view_unref(view);
    if (after > ret_page->seq)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_QUERY, "after",
                               "The newest event is %lld, so %lld is not of this log: the project "
                               "was made anew, or an older backup put in place. Begin anew.",
                               (long long)ret_page->seq, (long long)after);
    if (!status)
        return PROTO_CODE_OK;
    feed_page_deinit(ret_page);
    return unreadable(status, ret_error);
}
