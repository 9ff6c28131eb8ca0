/* An operator asks, takes the time that a demonstration takes, and hands it in. Now and then
 * something else happens; the shares below are guesses at a day in a laboratory, and no more.
 */
#include "fleet.h"

#include <math.h>
#include <string.h>

#define DEMONSTRATION_S 45.0
#define SECOND_THOUGHT_S 8.0 /* until a task is skipped or given back */
#define WAIT_S 15.0          /* until somebody for whom there was nothing asks again */
#define SHORT_LEASE_S 60.0   /* of those who let it lapse */
#define BEHIND_LEASE_S 0.5   /* real seconds */

enum plan {
    PLAN_SHOW,
    PLAN_RENEW,   /* takes longer, and says so */
    PLAN_MISS,    /* the demonstration fails, and is handed in as such */
    PLAN_FAIL,    /* the attempt leaves nothing to hand in */
    PLAN_SKIP_ME, /* another task first */
    PLAN_SKIP_OTHERS,
    PLAN_RELEASE,
    PLAN_LATE,    /* handed in after the lease has lapsed */
    PLAN_ABANDON, /* lapses, and nothing comes */
    PLAN_COUNT
};
static const double plan_shares[PLAN_COUNT] = {
    [PLAN_RENEW] = 0.08,   [PLAN_MISS] = 0.03,        [PLAN_FAIL] = 0.04,
    [PLAN_SKIP_ME] = 0.05, [PLAN_SKIP_OTHERS] = 0.01, [PLAN_RELEASE] = 0.02,
    [PLAN_LATE] = 0.04,    [PLAN_ABANDON] = 0.02, /* the rest: PLAN_SHOW */
};

struct turn { /* one assignment of one operator */
    struct member *member;
    enum plan plan;
    double asked_s, lease_s; /* real seconds; lease_s: as asked for */
    size_t given, task;
    char id[PROTO_KEY_MAX_BYTES + 1];
    int64_t fence;
};

static enum plan draw_plan(struct amf_rng *rng)
{
    double drawn = amf_rng_uniform(rng);

    for (enum plan plan = PLAN_SHOW; plan < PLAN_COUNT; plan++) {
        if (drawn < plan_shares[plan])
            return plan;
        drawn -= plan_shares[plan];
    }
    return PLAN_SHOW;
}

/* ---- requests ---- */

struct ask_call {
    struct proto_ask ask;
    struct proto_asked asked;
};

static enum amf_client_status call_ask(struct member *member, const char *key, void *arg,
                                       struct amf_client_result *result)
{
    struct ask_call *call = arg;

    return amf_client_assignment_ask(member->client, member->fleet->project, &call->ask, key,
                                     result, &call->asked);
}

struct turn_call {
    struct turn *turn;
    int verb; /* enum proto_assignment_state: how it ends */
    struct proto_end end;
    struct proto_complete complete;
    struct proto_completed completed;
    struct proto_assignment answer;
};

static enum amf_client_status call_complete(struct member *member, const char *key, void *arg,
                                            struct amf_client_result *result)
{
    struct turn_call *call = arg;

    return amf_client_assignment_complete(member->client, member->fleet->project, call->turn->id,
                                          &call->complete, key, result, &call->completed);
}

static enum amf_client_status call_renew(struct member *member, const char *key, void *arg,
                                         struct amf_client_result *result)
{
    struct turn_call *call = arg;
    const struct proto_renew renew = {.fence = call->turn->fence, .lease_s = NAN};

    return amf_client_assignment_renew(member->client, member->fleet->project, call->turn->id,
                                       &renew, key, result, &call->answer);
}

static enum amf_client_status call_end(struct member *member, const char *key, void *arg,
                                       struct amf_client_result *result)
{
    struct turn_call *call = arg;
    const char *project = member->fleet->project, *id = call->turn->id;

    if (call->verb == PROTO_ASSIGNMENT_SKIPPED)
        return amf_client_assignment_skip(member->client, project, id, &call->end, key, result,
                                          &call->answer);
    if (call->verb == PROTO_ASSIGNMENT_FAILED)
        return amf_client_assignment_fail(member->client, project, id, &call->end, key, result,
                                          &call->answer);
    return amf_client_assignment_release(member->client, project, id, &call->end, key, result,
                                         &call->answer);
}

/* ---- ends ---- */

/* A lease that ended before anything was said of it: told by the server as lease_lost. It is an
 * error of the server only while the lease, counted from before it was asked for, still ran. */
static void note_lost(struct turn *turn, const char *reason)
{
    struct ledger *ledger = &turn->member->fleet->ledger;

    if (fleet_now_s() - turn->asked_s < turn->lease_s)
        ledger_broken(ledger, "assignment %s of %s ended before its time: %s", turn->id,
                      turn->member->name, reason ? reason : "no reason given");
    ledger_ended(ledger, turn->given, PROTO_ASSIGNMENT_OPEN, NULL);
}

static bool lost(struct turn *turn, enum amf_client_status status,
                 const struct amf_client_result *result)
{
    if (status != AMF_CLIENT_REFUSED || strcmp(result->problem.code, "lease_lost") != 0)
        return false;
    note_lost(turn, result->problem.detail);
    return true;
}

static bool end_turn(struct turn *turn, int verb, int to, const char *reason)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct turn_call call = {.turn = turn, .verb = verb, .end = {turn->fence, to, reason}};
    enum amf_client_status status = member_call(turn->member, CALL_OTHER, call_end, &call, &result);

    if (status == AMF_CLIENT_OK)
        ledger_ended(&turn->member->fleet->ledger, turn->given, verb, NULL);
    else if (!lost(turn, status, &result)) {
        member_give_up(turn->member, status, &result);
        return false;
    }
    return true;
}

/* A failed demonstration is kept, and leaves the assignment open: it is ended as failed next. */
static bool note_completed(struct turn *turn, const struct proto_completed *completed, bool success)
{
    struct ledger *ledger = &turn->member->fleet->ledger;

    ledger_stored(ledger, &completed->demonstration, turn->task, PROTO_ROLE_DEMONSTRATION, success);
    if (completed->credited && turn->plan == PLAN_LATE)
        ledger_broken(ledger, "assignment %s was credited after its time", turn->id);
    if (completed->credited) {
        ledger_count(ledger, &ledger->credited);
        ledger_ended(ledger, turn->given, completed->assignment.state, completed->demonstration.id);
        return true;
    }
    ledger_count(ledger, success ? &ledger->late : &ledger->failed);
    if (!success)
        return end_turn(turn, PROTO_ASSIGNMENT_FAILED, 0, "it did not work");
    note_lost(turn, completed->reason);
    return true;
}

static bool hand_in(struct turn *turn, double took_s)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct member *member = turn->member;
    struct proto_demonstration shown;
    struct turn_call call = {.turn = turn};
    enum amf_client_status status = AMF_CLIENT_NO_MEMORY;

    if (playbook_take(&member->fleet->book, turn->task, &member->rng, &arena, &shown) == 0) {
        shown.operator_ = member->name;
        shown.success = turn->plan != PLAN_MISS;
        shown.duration_s = took_s;
        call.complete = (struct proto_complete){.fence = turn->fence, .demonstration = &shown};
        status = member_call(member, CALL_COMPLETE, call_complete, &call, &result);
    }
    if (status == AMF_CLIENT_OK)
        return note_completed(turn, &call.completed, shown.success);
    member_give_up(member, status, &result);
    return false;
}

/* ---- a turn ---- */

static bool renew(struct turn *turn)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct turn_call call = {.turn = turn};
    double sent_s = fleet_now_s();
    enum amf_client_status status =
        member_call(turn->member, CALL_OTHER, call_renew, &call, &result);

    if (status == AMF_CLIENT_OK) {
        ledger_renewed(&turn->member->fleet->ledger, turn->given, call.answer.fence);
        turn->fence = call.answer.fence;
        turn->asked_s = sent_s;
        return true;
    }
    if (status == AMF_CLIENT_REFUSED && strcmp(result.problem.code, "lease_lost") == 0)
        return true; /* the demonstration is handed in all the same */
    member_give_up(turn->member, status, &result);
    return false;
}

static void outlast_lease(struct turn *turn)
{
    struct fleet *fleet = turn->member->fleet;
    double left_s = turn->lease_s + BEHIND_LEASE_S;

    fleet_sleep(fleet, left_s * fleet->options->speed);
}

static bool play(struct turn *turn)
{
    struct fleet *fleet = turn->member->fleet;
    double take_s = fleet_draw_s(&turn->member->rng, DEMONSTRATION_S);

    switch (turn->plan) {
    case PLAN_SKIP_ME:
    case PLAN_SKIP_OTHERS:
        fleet_sleep(fleet, SECOND_THOUGHT_S);
        return end_turn(turn, PROTO_ASSIGNMENT_SKIPPED,
                        turn->plan == PLAN_SKIP_ME ? PROTO_SKIP_ME : PROTO_SKIP_OTHERS,
                        "not this one");
    case PLAN_RELEASE:
        fleet_sleep(fleet, SECOND_THOUGHT_S);
        return end_turn(turn, PROTO_ASSIGNMENT_RELEASED, 0, "called away");
    case PLAN_FAIL:
        fleet_sleep(fleet, take_s);
        return end_turn(turn, PROTO_ASSIGNMENT_FAILED, 0, "dropped it");
    case PLAN_ABANDON:
        outlast_lease(turn);
        ledger_ended(&fleet->ledger, turn->given, PROTO_ASSIGNMENT_OPEN, NULL);
        ledger_count(&fleet->ledger, &fleet->ledger.abandoned);
        return true;
    case PLAN_LATE:
        outlast_lease(turn);
        return hand_in(turn, take_s);
    case PLAN_RENEW:
        fleet_sleep(fleet, take_s);
        if (!renew(turn))
            return false;
        break;
    default:
        break;
    }
    fleet_sleep(fleet, take_s);
    return hand_in(turn, turn->plan == PLAN_RENEW ? 2 * take_s : take_s);
}

/* ---- the day ---- */

static void set_up_turn(struct turn *turn, const struct proto_assignment *assignment)
{
    struct member *member = turn->member;

    turn->task = playbook_find(&member->fleet->book, assignment->task);
    turn->fence = assignment->fence;
    snprintf(turn->id, sizeof(turn->id), "%s", assignment->id);
    turn->given =
        ledger_given(&member->fleet->ledger, member->number, member->name, turn->task, assignment);
}

enum answer { ANSWER_TASK, ANSWER_WAIT, ANSWER_HOME };

/* What is spent or taken may come back when somebody's lease lapses; skips and settings do not. */
static bool may_come_back(const struct proto_reason *reason)
{
    return reason &&
           (!strcmp(reason->code, "budget_spent") || !strcmp(reason->code, "too_many_open"));
}

static enum answer read_answer(struct turn *turn, const struct proto_asked *asked)
{
    struct ledger *ledger = &turn->member->fleet->ledger;

    if (asked->assignments.count > 0) {
        set_up_turn(turn, asked->assignments.items);
        return turn->given == SIZE_MAX ? ANSWER_HOME : ANSWER_TASK;
    }
    ledger_count(ledger, &ledger->nothing);
    return may_come_back(asked->reason) ? ANSWER_WAIT : ANSWER_HOME;
}

static enum answer ask(struct turn *turn)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct member *member = turn->member;
    struct ask_call call;
    enum amf_client_status status;
    bool lapses = turn->plan == PLAN_LATE || turn->plan == PLAN_ABANDON;

    proto_ask_defaults(&call.ask);
    call.ask.operator_ = member->name;
    turn->lease_s =
        lapses ? fmax(1, SHORT_LEASE_S / member->fleet->options->speed) : member->fleet->lease_s;
    call.ask.lease_s = turn->lease_s;
    turn->asked_s = fleet_now_s();
    status = member_call(member, CALL_ASK, call_ask, &call, &result);
    if (status == AMF_CLIENT_OK)
        return read_answer(turn, &call.asked);
    member_give_up(member, status, &result);
    return ANSWER_HOME;
}

/* False: the operator goes home. */
static bool take_turn(struct member *member)
{
    struct turn turn = {.member = member, .plan = draw_plan(&member->rng)};

    switch (ask(&turn)) {
    case ANSWER_WAIT:
        return fleet_rest(member->fleet, WAIT_S);
    case ANSWER_HOME:
        return false;
    case ANSWER_TASK:
        break;
    }
    if (turn.task == SIZE_MAX)
        return end_turn(&turn, PROTO_ASSIGNMENT_SKIPPED, PROTO_SKIP_OTHERS, "nothing recorded");
    return play(&turn);
}

void operator_work(struct member *member)
{
    struct fleet *fleet = member->fleet;
    double wait_s = WAIT_S * amf_rng_uniform(&member->rng);

    while (fleet_rest(fleet, wait_s) &&
           ledger_shown(&fleet->ledger) < (size_t)fleet->options->demonstrations &&
           take_turn(member))
        wait_s = 0;
}
