/* The command table: every verb of `amf` with its arguments, options, help and function. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

#include "cli.h"
#include "options.h"

/* args: the words of the command line that are no options, as many as the command allows.
 * options: the command's struct, filled. */
typedef enum cli_exit (*command_fn)(struct cli *cli, const char *const *args, size_t count,
                                    const void *options);

struct command {
    const char *noun;
    const char *verb; /* NULL: the noun is the whole command */
    const char *args; /* as in the usage line */
    size_t min_args, max_args;
    const char *summary; /* one line */
    const char *notes;   /* more lines of --help; may be NULL */
    const struct option *options;
    size_t options_size;
    void (*set_defaults)(void *options); /* the struct is zeroed before; may be NULL */
    bool local;                          /* needs no server */
    command_fn run;
};

extern const struct command commands[];
extern const size_t command_count;

/* The options that every command knows. */
struct global_options {
    const char *url, *token_file, *ca_file;
    bool json, help, version;
};
extern const struct option global_options[];

void help_print_all(FILE *out);
void help_print_noun(FILE *out, const char *noun);
void help_print_command(FILE *out, const struct command *command);

/* ---- what the table points to, a file a noun ---- */
#define COMMAND(name)                                                                              \
    enum cli_exit name(struct cli *cli, const char *const *args, size_t count, const void *options)

struct project_create_options {
    const char *title;
    struct proto_strings set;
};
COMMAND(cmd_project_create);
COMMAND(cmd_project_list);
COMMAND(cmd_project_show);
COMMAND(cmd_project_set);
COMMAND(cmd_project_refit);
COMMAND(cmd_project_delete);
struct project_export_options {
    const char *output; /* NULL: standard output */
    bool force;
};
COMMAND(cmd_project_export);
COMMAND(cmd_project_import);
extern const struct option project_create_options[], project_export_options[];

/* The options of `task add` fill a struct proto_task. */
COMMAND(cmd_task_add);
COMMAND(cmd_task_list);
COMMAND(cmd_task_show);
COMMAND(cmd_task_delete);
extern const struct option task_add_options[];

struct demo_options { /* what is said about files beyond what they say themselves */
    const char *task, *operator_, *robot;
    int role; /* enum proto_demonstration_role, -1: as in the file */
    bool failed;
};
struct demo_list_options {
    int64_t limit; /* 0: all */
    const char *cursor;
};
struct demo_get_options {
    const char *output; /* NULL: ID.safetensors */
    bool force;
};
struct demo_delete_options {
    const char *reason;
};
COMMAND(cmd_demo_add);
COMMAND(cmd_demo_upload);
COMMAND(cmd_demo_list);
COMMAND(cmd_demo_show);
COMMAND(cmd_demo_get);
COMMAND(cmd_demo_delete);
extern const struct option demo_options[], demo_list_options[], demo_get_options[],
    demo_delete_options[];
void demo_defaults(void *options);

struct next_options {
    struct proto_ask ask;
    const char *key;
    bool quiet;
};
struct complete_options {
    int64_t fence;
    const char *demo, *demonstration_id, *key;
    struct demo_options said;
};
COMMAND(cmd_next);
COMMAND(cmd_complete);
extern const struct option next_options[], complete_options[];
void next_defaults(void *options);
void complete_defaults(void *options);

struct renew_options {
    struct proto_renew renew;
    const char *key;
};
struct end_options { /* of skip, fail and release */
    struct proto_end end;
    const char *key;
};
COMMAND(cmd_renew);
COMMAND(cmd_skip);
COMMAND(cmd_fail);
COMMAND(cmd_release);
extern const struct option renew_options[], skip_options[], end_options[];
void renew_defaults(void *options);
void end_defaults(void *options);

struct policy_put_options {
    struct proto_revision revision; /* without its name */
    const char *file;               /* NULL: none */
};
COMMAND(cmd_policy_put);
COMMAND(cmd_policy_list);
COMMAND(cmd_policy_show);
COMMAND(cmd_policy_activate);
COMMAND(cmd_policy_missing);
COMMAND(cmd_policy_upload);
extern const struct option policy_put_options[];
void policy_put_defaults(void *options);

struct token_create_options {
    int role;
    const char *project, *expires, *output;
};
COMMAND(cmd_token_create);
COMMAND(cmd_token_list);
COMMAND(cmd_token_revoke);
extern const struct option token_create_options[];

struct ranking_options {
    double wait_s;
};
COMMAND(cmd_ranking);
extern const struct option ranking_options[];

struct decisions_options {
    int64_t limit; /* 0: all */
    const char *cursor;
};
COMMAND(cmd_decisions);
COMMAND(cmd_report);
extern const struct option decisions_options[];

struct replay_options {
    int64_t workers; /* 0: one per processor */
    struct proto_strings what_if;
};
COMMAND(cmd_replay);
extern const struct option replay_options[];

struct events_options {
    int64_t after, limit; /* -1: not said; 0: all */
    bool follow;
};
COMMAND(cmd_events);
extern const struct option events_options[];
void events_defaults(void *options);

struct lab_options { /* of every experiment, see lab_options.h */
    int64_t rounds, seeds, seed, batch, workers, warm_start;
    const char *rules;
    int weights, measure, occupancy, clip_scope, kernel;
    double ess_target, noise;
    struct proto_reals clip;
};
struct integrator_options {
    struct lab_options lab;
    int64_t pretrain_tasks, horizon;
    double length_scale, assumed_noise;
    int task_space;
};
struct backtest_options {
    struct lab_options lab;
    struct proto_reals pretrain;
    int64_t held_out, max_steps, fit_after;
    double task_correlation;
    int half, state_scale, judge;
};
COMMAND(cmd_experiment_integrator);
COMMAND(cmd_backtest);
extern const struct option integrator_options[], backtest_options[];
void integrator_defaults(void *options);
void backtest_defaults(void *options);

struct simulate_options {
    int64_t operators, robots, demonstrations, seed;
    const char *project, *data;
    double speed, patience_s;
    bool into;
};
COMMAND(cmd_simulate);
extern const struct option simulate_options[];
void simulate_defaults(void *options);

COMMAND(cmd_score);
COMMAND(cmd_server_status);
struct backup_options {
    const char *output;
    bool force;
};
COMMAND(cmd_server_backup);
struct purge_options {
    const char *project; /* NULL: all that were deleted */
    bool yes;
};
COMMAND(cmd_server_check);
COMMAND(cmd_server_purge);
extern const struct option backup_options[], purge_options[];

#endif
