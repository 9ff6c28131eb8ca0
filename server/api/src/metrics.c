/* GET /metrics: figures for Prometheus. Everything is counted where it happens and only told here.
 *
 * What has a label has few of them: routes, not addresses; projects up to a number, the first by
 * id, so that a script that makes projects does not make series for ever.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <proto/metrics.h>
#include <state/metrics.h>
#include <store/store.h>

#include "verbs.h"

#define PROJECTS_MAX 100

const struct proto_shape api_metrics_shape = {.name = "Metrics",
                                              .size = sizeof(struct api_metrics_answer)};

static void write_build(const struct proto_version *version, FILE *out)
{
    const struct proto_labels labels = {{{"version", version->version},
                                         {"blas_core", version->blas_core},
                                         {"sqlite", version->sqlite},
                                         {"microhttpd", version->microhttpd}}};

    proto_metrics_family(out, "amf_build_info", "gauge", "What is running; always 1.");
    proto_metrics_sample(out, "amf_build_info", &labels, 1);
}

static void write_commits(const struct store_metrics *store, FILE *out)
{
    proto_metrics_family(out, "amf_store_commit_seconds", "histogram",
                         "How long a commit took to be on the disk.");
    proto_metrics_histogram(out, "amf_store_commit_seconds", NULL,
                            &(struct proto_histogram){store_commit_bounds_s, store->commit_counts,
                                                      STORE_COMMIT_BOUNDS, store->commit_sum_s});
    proto_metrics_family(out, "amf_store_group_writes", "histogram",
                         "How many writes shared a commit.");
    proto_metrics_histogram(out, "amf_store_group_writes", NULL,
                            &(struct proto_histogram){store_group_bounds, store->group_counts,
                                                      STORE_GROUP_BOUNDS, (double)store->writes});
    proto_metrics_family(out, "amf_store_failed_groups_total", "counter",
                         "Groups of writes that failed, for want of space or otherwise.");
    proto_metrics_sample(out, "amf_store_failed_groups_total",
                         &(struct proto_labels){{{"why", "full"}}}, (double)store->full);
    proto_metrics_sample(out, "amf_store_failed_groups_total",
                         &(struct proto_labels){{{"why", "other"}}}, (double)store->failed);
}

static void write_store(struct store *store, FILE *out)
{
    struct store_metrics metrics;
    struct store_usage usage;

    store_metrics_read(store, &metrics);
    store_usage(store, &usage);
    write_commits(&metrics, out);
    proto_metrics_single(out, "amf_store_queued_writes", "gauge",
                         "Writes that wait for the commit that is under way.",
                         (double)usage.queued);
    proto_metrics_single(out, "amf_store_latched", "gauge",
                         "1 after a commit failed: nothing is stored until a restart.",
                         store_latched(store) ? 1 : 0);
    proto_metrics_family(out, "amf_store_bytes", "gauge", "Size of the files on the disk.");
    proto_metrics_sample(out, "amf_store_bytes", &(struct proto_labels){{{"file", "database"}}},
                         (double)usage.database_bytes);
    proto_metrics_sample(out, "amf_store_bytes", &(struct proto_labels){{{"file", "log"}}},
                         (double)usage.log_bytes);
    proto_metrics_single(out, "amf_store_free_bytes", "gauge",
                         "What is free on the disk of the data directory.",
                         (double)usage.free_bytes);
}

static void write_stage(FILE *out, const char *stage, double seconds)
{
    proto_metrics_sample(out, "amf_ranking_stage_seconds_total",
                         &(struct proto_labels){{{"stage", stage}}}, seconds);
}

static void write_rankings(struct state *state, FILE *out)
{
    struct state_metrics metrics;

    state_metrics_read(state, &metrics);
    proto_metrics_family(out, "amf_ranking_seconds", "histogram",
                         "How long a ranking took to be worked out.");
    proto_metrics_histogram(out, "amf_ranking_seconds", NULL,
                            &(struct proto_histogram){state_ranking_bounds_s,
                                                      metrics.ranking_counts, STATE_RANKING_BOUNDS,
                                                      metrics.total_s});
    proto_metrics_family(out, "amf_ranking_stage_seconds_total", "counter",
                         "Time that rankings took, by stage.");
    write_stage(out, "posterior", metrics.posterior_s);
    write_stage(out, "weights", metrics.weights_s);
    write_stage(out, "gain", metrics.gain_s);
    proto_metrics_single(out, "amf_rankings_failed_total", "counter",
                         "Rankings that could not be worked out for want of memory.",
                         (double)metrics.rankings_failed);
}

/* One family a figure, so the projects are gone through once for each. */
struct project_figure {
    const char *name, *help;
    double (*of)(struct state *state, const struct view *view);
};

static double events_of(struct state *state, const struct view *view)
{
    (void)state;
    return (double)view->seq;
}

static double tasks_of(struct state *state, const struct view *view)
{
    (void)state;
    return (double)view->tasks.count;
}

static double demonstrations_of(struct state *state, const struct view *view)
{
    (void)state;
    return (double)view->demonstrations.count;
}

static double open_of(struct state *state, const struct view *view)
{
    (void)state;
    return (double)view->open_count;
}

static double age_of(struct state *state, const struct view *view)
{
    double age_s = NAN;
    struct ranking *ranking = state_ranking(state, view->id, 0, 0, &age_s);

    ranking_unref(ranking);
    return age_s;
}

static const struct project_figure figures[] = {
    {"amf_project_events", "Events in the project's log.", events_of},
    {"amf_project_tasks", "Tasks.", tasks_of},
    {"amf_project_demonstrations", "Demonstrations held, of every kind.", demonstrations_of},
    {"amf_project_open_assignments", "Assignments that are open.", open_of},
    {"amf_project_ranking_age_seconds",
     "How long events have waited that the newest ranking has not seen; NaN: there is none yet.",
     age_of},
};

static void write_figure(struct state *state, const struct project_figure *figure,
                         struct view *const *views, size_t count, FILE *out)
{
    proto_metrics_family(out, figure->name, "gauge", figure->help);
    for (size_t i = 0; i < count; i++)
        proto_metrics_sample(out, figure->name, &(struct proto_labels){{{"project", views[i]->id}}},
                             figure->of(state, views[i]));
}

static void write_projects(struct state *state, FILE *out)
{
    struct view *views[PROJECTS_MAX];
    size_t count = state_views(state, NULL, PROJECTS_MAX, views);

    proto_metrics_single(out, "amf_projects", "gauge", "Projects.", (double)state_count(state));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        write_figure(state, &figures[i], views, count, out);
    for (size_t i = 0; i < count; i++)
        view_unref(views[i]);
}

static int write_all(struct api_ctx *ctx, char **ret_text, size_t *ret_length)
{
    FILE *out = open_memstream(ret_text, ret_length);

    if (!out)
        return -1;
    write_build(ctx->version, out);
    api_process_metrics(out);
    if (ctx->door_metrics)
        ctx->door_metrics(ctx->door, out);
    write_store(state_store(ctx->state), out);
    write_rankings(ctx->state, out);
    write_projects(ctx->state, out);
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return 0;
    free(*ret_text);
    return -1;
}

enum proto_code api_metrics(struct api_ctx *ctx, const void *request, void *response)
{
    struct api_metrics_answer *answer = response;
    char *text = NULL;

    (void)request;
    if (write_all(ctx, &text, &answer->length) < 0 || api_keep(ctx, text, free))
        return api_no_memory(ctx);
    answer->text = text;
    return PROTO_CODE_OK;
}

int api_metrics_text(const void *response, char **ret_bytes, size_t *ret_length)
{
    const struct api_metrics_answer *answer = response;
    char *copy = malloc(answer->length + 1);

    if (!copy)
        return -1;
    memcpy(copy, answer->text, answer->length);
    *ret_bytes = copy;
    *ret_length = answer->length;
    return 0;
}
