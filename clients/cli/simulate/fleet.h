/* The simulated fleet: operators who ask, demonstrate and hand in; robots that upload rollouts. */
#ifndef SIMULATE_FLEET_H
#define SIMULATE_FLEET_H

#include "commands.h"
#include "ledger.h"
#include "playbook.h"

struct fleet {
    const struct simulate_options *options;
    const char *project;
    double lease_s; /* of the project, real seconds */
    struct playbook book;
    struct ledger ledger;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t over;
    double took_s;
    bool is_over;      /* no more work is begun */
    size_t at_work;    /* operators that have not gone home */
    size_t gave_up;    /* members that could not go on */
    char trouble[256]; /* of the first of them */
};

enum fleet_role { FLEET_OPERATOR, FLEET_ROBOT };

struct member { /* one thread, one client */
    struct fleet *fleet;
    enum fleet_role role;
    size_t number;
    char name[24];
    struct amf_client *client;
    struct amf_rng rng;
    pthread_t thread;
};

/* What a request is, whoever repeats it: with `key`, or NULL for a new one. */
typedef enum amf_client_status (*member_call_fn)(struct member *member, const char *key, void *arg,
                                                 struct amf_client_result *result);
/* Sends it until it is answered, or the patience is at an end: a lost connection and a 503 are
 * tried again under the same key. Everything is noted in the ledger. */
AMF_CLIENT_CALL member_call(struct member *member, enum call_kind kind, member_call_fn call,
                            void *arg, struct amf_client_result *result);
/* Gives up: says why, once for the whole fleet. */
void member_give_up(struct member *member, enum amf_client_status status,
                    const struct amf_client_result *result);

double fleet_now_s(void); /* by the clock that is never set */
/* So many seconds of the simulated day, shortened by --speed. */
void fleet_sleep(const struct fleet *fleet, double simulated_s);
/* The same, but ends with the fleet's work. False: it is over. */
bool fleet_rest(struct fleet *fleet, double simulated_s);
/* A time that people and robots take: around `middle_s`, rarely half or twice as much. */
double fleet_draw_s(struct amf_rng *rng, double middle_s);

void operator_work(struct member *member);
void robot_work(struct member *member);

/* Sets the stage and plays: project, tasks, tokens, pre-training; then all members at once, until
 * the operators have gone home. What went wrong with single members is in the fleet, what could not
 * be set up is told on cli->err. Progress is drawn on a terminal. */
enum cli_exit fleet_run(struct fleet *fleet, struct cli *cli);

/* The project with its tasks, unless it is to be there already; its lease is remembered. */
enum cli_exit fleet_stage(struct fleet *fleet, struct cli *cli);
/* Recordings that stand for what the policy was trained on before. */
size_t fleet_pretraining_tasks(const struct fleet *fleet);
size_t fleet_pretraining_each(const struct fleet *fleet);

/* The pre-training, by a robot where there is one. False: it gave up. */
bool robot_pretrain(struct member *member, size_t tasks, size_t each);

#endif
