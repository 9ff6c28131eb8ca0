/* A robot tries what the policy has learned and uploads each try. The more was shown of a task, the
 * more often a try works: a made-up policy, so that success rates have something to say.
 */
#include "fleet.h"

#include <math.h>
#include <stdlib.h>

#define ROLLOUT_S 60.0
#define SUCCESS_AT_FIRST 0.2
#define SUCCESS_AT_LAST 0.9
#define SHOWN_FOR_LAST 30.0

struct upload_call {
    const unsigned char *bytes;
    size_t length;
    struct proto_stored stored;
};

static enum amf_client_status call_post(struct member *member, const char *key, void *arg,
                                        struct amf_client_result *result)
{
    struct upload_call *upload = arg;

    return amf_client_demonstration_post_tensors(member->client, member->fleet->project,
                                                 upload->bytes, upload->length, key, result,
                                                 &upload->stored);
}

/* False: it gave up. */
static bool robot_upload(struct member *member, size_t task,
                         const struct proto_demonstration *demonstration)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum amf_client_status status = AMF_CLIENT_NO_MEMORY;
    struct upload_call upload;
    unsigned char *bytes = NULL;

    if (proto_demonstration_to_tensors(demonstration, &bytes, &upload.length) == 0) {
        upload.bytes = bytes;
        status = member_call(member, CALL_UPLOAD, call_post, &upload, &result);
    }
    if (status == AMF_CLIENT_OK)
        ledger_stored(&member->fleet->ledger, &upload.stored, task, demonstration->role,
                      demonstration->success);
    else
        member_give_up(member, status, &result);
    free(bytes);
    return status == AMF_CLIENT_OK;
}

static double chance_of_success(struct fleet *fleet, size_t task)
{
    double taken;

    pthread_mutex_lock(&fleet->book.lock);
    taken = (double)fleet->book.taken[task];
    pthread_mutex_unlock(&fleet->book.lock);
    return SUCCESS_AT_FIRST +
           (SUCCESS_AT_LAST - SUCCESS_AT_FIRST) * fmin(1, taken / SHOWN_FOR_LAST);
}

static bool robot_try(struct member *member)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct fleet *fleet = member->fleet;
    size_t task = amf_rng_below(&member->rng, fleet->book.task_count);
    struct proto_demonstration rollout;

    if (playbook_rollout(&fleet->book, task, &member->rng, &arena, &rollout) < 0)
        return false;
    rollout.robot = member->name;
    rollout.success = amf_rng_uniform(&member->rng) < chance_of_success(fleet, task);
    return robot_upload(member, task, &rollout);
}

void robot_work(struct member *member)
{
    double wait_s = ROLLOUT_S * amf_rng_uniform(&member->rng); /* not all at the same moment */

    while (fleet_rest(member->fleet, wait_s) && robot_try(member))
        wait_s = fleet_draw_s(&member->rng, ROLLOUT_S);
}

bool robot_pretrain(struct member *member, size_t tasks, size_t each)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct playbook *book = &member->fleet->book;

    for (size_t i = 0; i < tasks * each; i++) {
        struct proto_demonstration before;

        if (playbook_take(book, i % tasks, &member->rng, &arena, &before) < 0)
            return false;
        before.role = PROTO_ROLE_PRETRAINING;
        before.robot = member->role == FLEET_ROBOT ? member->name : NULL;
        if (!robot_upload(member, i % tasks, &before))
            return false;
    }
    return true;
}
