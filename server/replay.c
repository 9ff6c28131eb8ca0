#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <state/rerun.h>

#include "json_text.h"

struct task_total { /* of what_if */
    char task[PROTO_KEY_MAX_BYTES + 1];
    size_t asked, instead;
};

struct telling {
    FILE *out;
    FILE *progress; /* NULL: nobody looks */
    bool json, what_if, no_memory;
    size_t counts[RERUN_OUTCOMES], told, total;
    struct proto_arena arena;
    const char *core; /* of the first decision that was made with other kernels; NULL: none */
    bool found;       /* the first difference: */
    struct rerun_decision first;
    const char *id, *at;
    struct task_total *tasks;
    size_t task_count;
};

static void telling_deinit(struct telling *telling)
{
    proto_arena_deinit(&telling->arena);
    free(telling->tasks);
}

static void put_progress(const struct telling *telling, const struct rerun_decision *decision)
{
    bool last = decision->index + 1 == decision->total;

    if (telling->progress && (last || decision->index % 16 == 0))
        fprintf(telling->progress, "\r%zu of %zu decisions%s", decision->index + 1, decision->total,
                last ? "\n" : "");
}

/* ---- what would have been asked ---- */

static struct task_total *find_total(struct telling *telling, const char *task)
{
    struct task_total *tasks;

    for (size_t i = 0; i < telling->task_count; i++)
        if (!strcmp(telling->tasks[i].task, task))
            return &telling->tasks[i];
    tasks = reallocarray(telling->tasks, telling->task_count + 1, sizeof *tasks);
    if (!tasks) {
        telling->no_memory = true;
        return NULL;
    }
    telling->tasks = tasks;
    tasks[telling->task_count] = (struct task_total){.asked = 0};
    snprintf(tasks[telling->task_count].task, sizeof tasks->task, "%s", task);
    return &tasks[telling->task_count++];
}

static void put_number(FILE *out, const char *name, double number)
{
    if (isnan(number))
        fprintf(out, ", \"%s\": null", name);
    else
        fprintf(out, ", \"%s\": %.17g", name, number);
}

static void tell_instead_json(struct telling *telling, const struct rerun_decision *decision)
{
    const struct proto_assignment *asked = &decision->recorded->assignment;
    const struct proto_assignment *instead =
        decision->repeated ? &decision->repeated->assignment : NULL;

    fprintf(telling->out, "%s{\"id\": ", telling->told++ ? ", " : "");
    json_text_put(telling->out, asked->id ? asked->id : "");
    fputs(", \"asked\": ", telling->out);
    json_text_put(telling->out, asked->task);
    fprintf(telling->out, ", \"rule\": \"%s\"", proto_rule_names[asked->rule]);
    put_number(telling->out, "gain", asked->gain);
    fputs(", \"instead\": ", telling->out);
    if (instead)
        json_text_put(telling->out, instead->task);
    else
        fputs("null", telling->out);
    if (instead)
        fprintf(telling->out, ", \"instead_rule\": \"%s\"", proto_rule_names[instead->rule]);
    put_number(telling->out, "instead_gain", instead ? instead->gain : NAN);
    fputc('}', telling->out);
}

static void tell_instead(struct telling *telling, const struct rerun_decision *decision)
{
    const struct proto_assignment *asked = &decision->recorded->assignment;
    const char *instead = decision->repeated ? decision->repeated->assignment.task : "nothing";
    struct task_total *total;

    if (decision->outcome == RERUN_UNRECORDED)
        return;
    total = find_total(telling, asked->task);
    if (total)
        total->asked++;
    total = decision->repeated ? find_total(telling, instead) : NULL;
    if (total)
        total->instead++;
    if (telling->json)
        tell_instead_json(telling, decision);
    else
        fprintf(telling->out, "%-12s %-20s %s %-20s %s\n", asked->id ? asked->id : "", asked->task,
                decision->outcome == RERUN_SAME ? "=" : ">", instead,
                decision->repeated ? proto_rule_names[decision->repeated->assignment.rule] : "");
}

/* ---- whether it came out the same ---- */

static void note_first(struct telling *telling, const struct rerun_decision *decision)
{
    struct proto_arena *arena = &telling->arena;

    if (telling->found)
        return;
    telling->found = true;
    telling->first = *decision;
    telling->first.field = proto_arena_strdup(arena, decision->field);
    telling->first.was = proto_arena_strdup(arena, decision->was);
    telling->first.is = proto_arena_strdup(arena, decision->is);
    telling->id = proto_arena_strdup(arena, decision->recorded->assignment.id);
    telling->at = proto_arena_strdup(arena, decision->recorded->assignment.opened_at);
    telling->no_memory |= !telling->first.field || !telling->first.was || !telling->first.is;
}

static void tell(const struct rerun_decision *decision, void *arg)
{
    struct telling *telling = arg;
    const struct proto_basis *basis = decision->recorded->basis;

    telling->total = decision->total;
    telling->counts[decision->outcome]++;
    if (basis && basis->blas_core && !telling->core &&
        strcmp(basis->blas_core, amf_pool_blas_core()) != 0)
        telling->core = proto_arena_strdup(&telling->arena, basis->blas_core);
    if (telling->what_if)
        tell_instead(telling, decision);
    else if (decision->outcome == RERUN_DIFFERS)
        note_first(telling, decision);
    put_progress(telling, decision);
}

/* ---- in the end ---- */

static void sum_up_json(const struct telling *telling, size_t workers)
{
    FILE *out = telling->out;
    const size_t *counts = telling->counts;

    fprintf(out,
            "%s\"total\": %zu, \"same\": %zu, \"close\": %zu, \"different\": %zu, "
            "\"unrecorded\": %zu, \"workers\": %zu, \"blas_core\": ",
            telling->what_if ? "], " : "{", telling->total, counts[RERUN_SAME], counts[RERUN_CLOSE],
            counts[RERUN_DIFFERS], counts[RERUN_UNRECORDED], workers);
    json_text_put(out, amf_pool_blas_core());
    if (telling->what_if) {
        fputs(", \"tasks\": [", out);
        for (size_t i = 0; i < telling->task_count; i++)
            fprintf(out, "%s{\"task\": \"%s\", \"asked\": %zu, \"instead\": %zu}", i ? ", " : "",
                    telling->tasks[i].task, telling->tasks[i].asked, telling->tasks[i].instead);
        fputs("]}\n", out);
        return;
    }
    fputs(", \"first_difference\": ", out);
    if (telling->found) {
        fputs("{\"id\": ", out);
        json_text_put(out, telling->id ? telling->id : "");
        fputs(", \"field\": ", out);
        json_text_put(out, telling->first.field);
        fputs(", \"recorded\": ", out);
        json_text_put(out, telling->first.was);
        fputs(", \"repeated\": ", out);
        json_text_put(out, telling->first.is);
        fputs("}}\n", out);
    } else {
        fputs("null}\n", out);
    }
}

static void sum_up_what_if(const struct telling *telling)
{
    FILE *out = telling->out;

    fprintf(out, "\n%-20s %8s %8s\n", "task", "asked", "instead");
    for (size_t i = 0; i < telling->task_count; i++)
        fprintf(out, "%-20s %8zu %8zu\n", telling->tasks[i].task, telling->tasks[i].asked,
                telling->tasks[i].instead);
    fprintf(out, "%zu of %zu decisions would have been the same\n", telling->counts[RERUN_SAME],
            telling->counts[RERUN_SAME] + telling->counts[RERUN_DIFFERS]);
}

static void sum_up_text(const struct telling *telling, size_t workers)
{
    FILE *out = telling->out;
    const size_t *counts = telling->counts;

    if (telling->what_if)
        sum_up_what_if(telling);
    if (telling->found)
        fprintf(out, "first difference: decision %s of %s: %s\n  recorded %s\n  repeated %s\n",
                telling->id ? telling->id : "?", telling->at ? telling->at : "?",
                telling->first.field, telling->first.was, telling->first.is);
    if (!telling->what_if)
        fprintf(out, "%zu decisions by %zu worker%s: %zu the same bit for bit", telling->total,
                workers, workers == 1 ? "" : "s", counts[RERUN_SAME]);
    if (counts[RERUN_CLOSE])
        fprintf(out, ", %zu to 1e-9", counts[RERUN_CLOSE]);
    if (!telling->what_if)
        fprintf(out, ", %zu different\n", counts[RERUN_DIFFERS]);
    if (counts[RERUN_UNRECORDED])
        fprintf(out, "%zu were made by a version that did not record enough to repeat them\n",
                counts[RERUN_UNRECORDED]);
    if (telling->core && !telling->what_if)
        fprintf(out,
                "made with BLAS core %s, and this is %s; on a processor that has it, "
                "OPENBLAS_CORETYPE=%s compares bits\n",
                telling->core, amf_pool_blas_core(), telling->core);
}

static enum maintenance_exit finish(struct telling *telling, size_t workers)
{
    if (telling->json)
        sum_up_json(telling, workers);
    else
        sum_up_text(telling, workers);
    return !telling->what_if && telling->counts[RERUN_DIFFERS] ? MAINTENANCE_DAMAGED
                                                               : MAINTENANCE_DONE;
}

static enum maintenance_exit replay_file(const struct config *config, int fd, struct amf_pool *pool,
                                         FILE *out, FILE *progress,
                                         char ret_error[CONFIG_ERROR_BYTES])
{
    __attribute__((cleanup(telling_deinit))) struct telling telling = {
        .out = out, .progress = progress, .json = config->json, .what_if = *config->what_if};
    const struct rerun_settings settings = {.pool = pool,
                                            .what_if = *config->what_if ? config->what_if : NULL,
                                            .fn = tell,
                                            .arg = &telling};
    struct proto_error error = {PROTO_CODE_OK};
    enum proto_code code;

    code = rerun_check(&settings, &error);
    if (code) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "--what-if %.128s: %.300s", error.at, error.detail);
        return MAINTENANCE_USAGE;
    }
    if (config->json && *config->what_if)
        fputs("{\"decisions\": [", out);
    code = rerun(fd, &settings, &error);
    if (!code && !telling.no_memory)
        return finish(&telling, amf_pool_size(pool));
    if (code)
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.128s%s%.128s: %.200s", config->replay,
                 *error.at ? ", " : "", error.at, error.detail);
    else
        snprintf(ret_error, CONFIG_ERROR_BYTES, "out of memory");
    return MAINTENANCE_CANNOT;
}

enum maintenance_exit maintenance_replay(const struct config *config, FILE *out, FILE *progress,
                                         char ret_error[CONFIG_ERROR_BYTES])
{
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    int fd = open(config->replay, O_RDONLY | O_CLOEXEC);
    enum maintenance_exit outcome = MAINTENANCE_CANNOT;

    if (fd < 0)
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.300s: %s", config->replay, strerror(errno));
    else if (amf_pool_new((size_t)config->workers, &pool))
        snprintf(ret_error, CONFIG_ERROR_BYTES, "the worker threads cannot be started");
    else
        outcome = replay_file(config, fd, pool, out, progress, ret_error);
    if (fd >= 0)
        close(fd);
    return outcome;
}
