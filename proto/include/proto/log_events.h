/* What the log holds beside the messages of wire.h: the bodies of events, one shape each. A
 * project, a task and a demonstration are logged in the words of the API. */
#ifndef PROTO_LOG_EVENTS_H
#define PROTO_LOG_EVENTS_H

#include <proto/wire.h>

struct proto_event_removed { /* task_deleted, demonstration_retracted, project_deleted */
    const char *key, *reason;
};
/* What the clock that counts since the machine started said: the one that leases end by. */
struct proto_clock {
    const char *boot_id; /* which start; NULL: not known */
    int64_t boot_ms;
};
struct proto_event_assignment_end { /* assignment_completed, _expired, _skipped, _failed, _released
                                     */
    const char *id, *demonstration, *reason;
    int to; /* enum proto_skip; assignment_skipped only */
    struct proto_clock clock;
};
struct proto_event_renewed { /* assignment_renewed: its sequence number is the new fence */
    const char *id;
    int64_t fence; /* the one that it was renewed with */
    int64_t expires_ms;
    struct proto_clock clock;
};
struct proto_event_opened { /* assignment_opened */
    struct proto_assignment assignment;
    int64_t expires_ms; /* assignment.expires_at as a number */
    int64_t ranking_seq, pick;
    double age_s;
    struct proto_basis *basis; /* NULL: of a version that recorded none */
    struct proto_clock clock;
};

struct proto_event_activated { /* policy_activated */
    const char *revision;
};
struct proto_feature_file;
struct proto_event_features { /* features_put */
    const char *id, *revision, *demonstration, *sha256;
    /* Not in the body: the file that goes with the event; borrowed. See features.h. */
    const struct proto_feature_file *file;
    const unsigned char *encoded;
    size_t encoded_bytes;
};

struct proto_carried_lease {
    const char *id; /* of the assignment */
    int64_t expires_ms;
};
struct proto_event_carried {  /* leases_carried: what was left of open leases, after an import or
                                 under another start of the machine */
    const char *project;      /* its id where it came from; NULL: here */
    struct proto_list leases; /* struct proto_carried_lease */
    struct proto_clock clock;
};

/* proto_event_policy_shape (policy_put) is of a struct proto_revision, without what the server
 * adds. */
extern const struct proto_shape proto_event_removed_shape, proto_event_renewed_shape,
    proto_event_assignment_skip_shape, proto_event_assignment_end_shape, proto_event_opened_shape,
    proto_event_carried_shape, proto_event_policy_shape, proto_event_activated_shape,
    proto_event_features_shape;

#endif
