#include "maintenance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <state/audit.h>
#include <store/store.h>

#include "json_text.h"

/* Each problem is a line; who has more of them needs a backup, not a list. */
enum { PROBLEMS_TOLD = 20 };

struct report {
    FILE *out;
    bool json;
    int64_t problems;
};

static void put_member(FILE *out, const char *name, const char *text)
{
    fprintf(out, ", \"%s\": ", name);
    if (text)
        json_text_put(out, text);
    else
        fputs("null", out);
}

static void tell_json(struct report *report, const struct store_problem *problem)
{
    fprintf(report->out, "%s{\"seq\": %" PRId64, report->problems ? ", " : "", problem->seq);
    put_member(report->out, "what", problem->what);
    put_member(report->out, "project", problem->project);
    put_member(report->out, "id", problem->id);
    put_member(report->out, "text", problem->text);
    fputc('}', report->out);
}

static void tell_line(struct report *report, const struct store_problem *problem)
{
    FILE *out = report->out;

    fputs(problem->what, out);
    if (problem->id)
        fprintf(out, " %s", problem->id);
    if (problem->seq)
        fprintf(out, " %" PRId64, problem->seq);
    if (problem->project)
        fprintf(out, " of project %s", problem->project);
    fputs(": ", out);
    for (const char *c = problem->text; *c; c++) /* a report of SQLite may have lines */
        fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
    fputc('\n', out);
}

static void tell(const struct store_problem *problem, void *arg)
{
    struct report *report = arg;

    if (report->problems < PROBLEMS_TOLD)
        (report->json ? tell_json : tell_line)(report, problem);
    report->problems++;
}

/* What was looked at, after the problems. */
static void sum_up(const struct report *report, const struct store_counts *counts,
                   const struct audit_logs *logs)
{
    size_t deleted = 0;

    for (size_t i = 0; i < logs->count; i++)
        deleted += logs->items[i].deleted;
    if (report->json) {
        fprintf(report->out,
                "], \"problems_found\": %" PRId64 ", \"sound\": %s, \"projects\": %zu, "
                "\"deleted_projects\": %zu, \"events\": %" PRId64 ", \"demonstrations\": %" PRId64
                ", \"kept_answers\": %" PRId64 ", \"tokens\": %" PRId64 "}\n",
                report->problems, report->problems ? "false" : "true", logs->count - deleted,
                deleted, counts->events, counts->blobs, counts->replies, counts->tokens);
        return;
    }
    if (report->problems > PROBLEMS_TOLD)
        fprintf(report->out, "and %" PRId64 " more\n", report->problems - PROBLEMS_TOLD);
    fprintf(report->out,
            "%s: %zu projects and %zu deleted ones, %" PRId64 " events, %" PRId64
            " demonstrations and files of features, %" PRId64 " kept answers, %" PRId64 " tokens\n",
            report->problems ? "damaged" : "sound", logs->count - deleted, deleted, counts->events,
            counts->blobs, counts->replies, counts->tokens);
}

static int look_through(struct store *store, struct report *report)
{
    struct audit_logs logs = AUDIT_LOGS_NULL;
    struct store_counts counts = {0};
    int status;

    if (report->json)
        fputs("{\"problems\": [", report->out);
    status = store_check(store, tell, report, &counts);
    if (!status)
        status = audit_logs_read(store, &logs);
    if (!status)
        status = audit_fold(store, &logs, tell, report);
    /* What cannot be listed has been told of its pages. */
    if (status == STORE_CORRUPT && report->problems)
        status = 0;
    sum_up(report, &counts, &logs);
    audit_logs_deinit(&logs);
    return status;
}

static enum maintenance_exit open_store(const struct config *config, struct store **ret_store,
                                        char ret_error[CONFIG_ERROR_BYTES])
{
    switch (store_open_offline(config->data, ret_store, ret_error)) {
    case STORE_OK:
        return MAINTENANCE_DONE;
    case STORE_CORRUPT:
        return MAINTENANCE_DAMAGED;
    default:
        return MAINTENANCE_CANNOT;
    }
}

enum maintenance_exit maintenance_check(const struct config *config, FILE *out,
                                        char ret_error[CONFIG_ERROR_BYTES])
{
    struct report report = {out, config->json, 0};
    struct store *store = NULL;
    enum maintenance_exit outcome = open_store(config, &store, ret_error);

    if (outcome)
        return outcome;
    if (look_through(store, &report)) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.200s: out of memory, or it cannot be read",
                 config->data);
        outcome = MAINTENANCE_CANNOT;
    }
    store_close(store);
    return outcome ? outcome : report.problems ? MAINTENANCE_DAMAGED : MAINTENANCE_DONE;
}

/* Keeps those that are to go. */
static void pick_deleted(const struct audit_logs *logs, const char *project, const char **ret_names,
                         struct audit_log *ret_sum, size_t *ret_count)
{
    for (size_t i = 0; i < logs->count; i++) {
        const struct audit_log *log = &logs->items[i];

        if (!log->deleted || (*project && strcmp(project, log->project) != 0))
            continue;
        ret_names[(*ret_count)++] = log->name;
        ret_sum->events += log->events;
        ret_sum->demonstrations += log->demonstrations;
        ret_sum->bytes += log->bytes;
    }
}

static void tell_purge(const struct config *config, FILE *out, const char *const *names,
                       size_t count, const struct audit_log *sum)
{
    if (config->json) {
        fputs("{\"erased\": ", out);
        fputs(config->yes ? "true, \"logs\": [" : "false, \"logs\": [", out);
        for (size_t i = 0; i < count; i++) {
            fputs(i ? ", " : "", out);
            json_text_put(out, names[i]);
        }
        fprintf(out,
                "], \"events\": %" PRId64 ", \"demonstrations\": %" PRId64 ", \"bytes\": %" PRId64
                "}\n",
                sum->events, sum->demonstrations, sum->bytes);
        return;
    }
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s %s\n", config->yes ? "erased" : "would erase", names[i]);
    fprintf(out,
            "%zu deleted projects, %" PRId64 " events, %" PRId64
            " demonstrations and files of features of %" PRId64 " bytes\n",
            count, sum->events, sum->demonstrations, sum->bytes);
}

static enum maintenance_exit purge(const struct config *config, const struct audit_logs *logs,
                                   FILE *out, char ret_error[CONFIG_ERROR_BYTES])
{
    const char **names = calloc(logs->count + 1, sizeof *names);
    struct audit_log sum = {0};
    size_t count = 0;
    int status = STORE_NO_MEMORY;

    if (names)
        pick_deleted(logs, config->project, names, &sum, &count);
    else
        snprintf(ret_error, CONFIG_ERROR_BYTES, "out of memory");
    if (names)
        status = config->yes ? store_purge(config->data, names, count, ret_error) : STORE_OK;
    if (!status)
        tell_purge(config, out, names, count, &sum);
    free(names);
    if (status)
        return MAINTENANCE_CANNOT;
    if (config->yes || count == 0)
        return MAINTENANCE_DONE;
    snprintf(ret_error, CONFIG_ERROR_BYTES,
             "nothing was erased; --yes erases it, and nothing brings it back");
    return MAINTENANCE_USAGE;
}

enum maintenance_exit maintenance_purge(const struct config *config, FILE *out,
                                        char ret_error[CONFIG_ERROR_BYTES])
{
    struct audit_logs logs = AUDIT_LOGS_NULL;
    struct store *store = NULL;
    enum maintenance_exit outcome;

    if (open_store(config, &store, ret_error))
        return MAINTENANCE_CANNOT;
    if (audit_logs_read(store, &logs)) {
        store_close(store);
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.200s: cannot be read; --check tells more",
                 config->data);
        return MAINTENANCE_CANNOT;
    }
    store_close(store); /* the purge takes the lock itself */
    outcome = purge(config, &logs, out, ret_error);
    audit_logs_deinit(&logs);
    return outcome;
}
