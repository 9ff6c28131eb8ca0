/* What storing costs without a daemon: the ceiling of ingest_json, ingest_tensor and ask.
 *
 *     bench_store DATABASE KIND COUNT GROUP
 *
 * DATABASE is that of a stopped daemon which took COUNT demonstrations of KIND (body.h), or COUNT
 * other events (KIND "-"). Its last COUNT events and their blobs are read into memory and written
 * by SQLite alone to a new database of the same schema beside it, with the daemon's settings, GROUP
 * events a transaction. Before that, JSON bodies are parsed by jansson alone, on two threads.
 * Prints one JSON object: seconds of both, and the bytes of an event's body.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "body.h"
#include "clock.h"

#define PARSERS 2

struct row {
    char *project, *type, *body, *blob_id;
    int64_t seq, at_ms, checksum, blob_checksum;
    void *blob;
    int blob_bytes;
};

struct parse {
    const struct body *body;
    size_t count;
    bool failed;
};

static void *parse_run(void *arg)
{
    struct parse *parse = arg;

    for (size_t i = 0; i < parse->count; i++) {
        json_t *json =
            json_loadb(parse->body->bytes, parse->body->length, JSON_REJECT_DUPLICATES, NULL);

        parse->failed |= !json;
        json_decref(json);
    }
    return NULL;
}

static int parse_all(const struct body_kind *kind, size_t count, double *ret_seconds)
{
    struct body body = {0};
    struct parse parse = {&body, count / PARSERS, false};
    pthread_t threads[PARSERS];
    size_t started = 0;

    *ret_seconds = 0;
    if (!kind || kind->tensors)
        return 0;
    if (body_make(kind, "a", &body))
        return -1;
    double start = bench_seconds();
    while (started < PARSERS && !pthread_create(&threads[started], NULL, parse_run, &parse))
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    *ret_seconds = bench_seconds() - start;
    body_deinit(&body);
    return started == PARSERS && !parse.failed ? 0 : -1;
}

static char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return text ? strdup(text) : NULL;
}

/* The newest count rows, the newest first. */
static size_t read_rows(sqlite3 *db, size_t count, struct row *rows)
{
    sqlite3_stmt *statement = NULL;
    size_t got = 0;

    if (sqlite3_prepare_v2(
            db,
            "SELECT e.project, e.seq, e.at_ms, e.type, e.body, e.blob_id, b.bytes, "
            "e.checksum, b.checksum FROM event e LEFT JOIN blob b ON b.project = e.project AND "
            "b.blob_id = e.blob_id ORDER BY e.position DESC LIMIT ?",
            -1, &statement, NULL))
        return 0;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)count);
    while (got < count && sqlite3_step(statement) == SQLITE_ROW) {
        struct row *row = &rows[got++];

        *row = (struct row){.project = text_of(statement, 0),
                            .seq = sqlite3_column_int64(statement, 1),
                            .at_ms = sqlite3_column_int64(statement, 2),
                            .type = text_of(statement, 3),
                            .body = text_of(statement, 4),
                            .blob_id = text_of(statement, 5),
                            .blob_bytes = sqlite3_column_bytes(statement, 6),
                            .checksum = sqlite3_column_int64(statement, 7),
                            .blob_checksum = sqlite3_column_int64(statement, 8)};
        row->blob = malloc((size_t)row->blob_bytes + 1);
        if (row->blob)
            memcpy(row->blob, sqlite3_column_blob(statement, 6), (size_t)row->blob_bytes);
    }
    sqlite3_finalize(statement);
    return got;
}

static int copy_schema(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(from,
                                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT "
                                "LIKE 'sqlite%' ORDER BY rowid",
                                -1, &statement, NULL);

    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        rc = sqlite3_exec(to, (const char *)sqlite3_column_text(statement, 0), NULL, NULL, NULL);
    sqlite3_finalize(statement);
    return rc;
}

static int open_copy(sqlite3 *from, const char *path, sqlite3 **ret_db)
{
    static const char settings[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4096;"
        "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY";

    return sqlite3_open(path, ret_db) || sqlite3_exec(*ret_db, settings, NULL, NULL, NULL) ||
           copy_schema(from, *ret_db);
}

static int insert_blob(sqlite3_stmt *blob, const struct row *row)
{
    sqlite3_bind_text(blob, 1, row->project, -1, SQLITE_STATIC);
    sqlite3_bind_text(blob, 2, row->blob_id, -1, SQLITE_STATIC);
    sqlite3_bind_blob(blob, 3, row->blob, row->blob_bytes, SQLITE_STATIC);
    sqlite3_bind_int64(blob, 4, row->blob_checksum);
    int failed = sqlite3_step(blob) != SQLITE_DONE;
    sqlite3_reset(blob);
    return failed;
}

static int insert_event(sqlite3_stmt *event, const struct row *row)
{
    sqlite3_bind_text(event, 1, row->project, -1, SQLITE_STATIC);
    sqlite3_bind_int64(event, 2, row->seq);
    sqlite3_bind_int64(event, 3, row->at_ms);
    sqlite3_bind_text(event, 4, row->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(event, 5, row->body, -1, SQLITE_STATIC);
    sqlite3_bind_text(event, 6, row->blob_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(event, 7, row->checksum);
    int failed = sqlite3_step(event) != SQLITE_DONE;
    sqlite3_reset(event);
    return failed;
}

static int write_rows(sqlite3 *db, const struct row *rows, size_t count, size_t group,
                      double *ret_seconds)
{
    sqlite3_stmt *blob = NULL, *event = NULL;
    int failed =
        sqlite3_prepare_v2(
            db, "INSERT INTO blob (project, blob_id, bytes, checksum) VALUES (?, ?, ?, ?)", -1,
            &blob, NULL) ||
        sqlite3_prepare_v2(db,
                           "INSERT INTO event (project, seq, at_ms, type, body, blob_id, checksum) "
                           "VALUES (?, ?, ?, ?, ?, ?, ?)",
                           -1, &event, NULL);
    double start = bench_seconds();

    for (size_t i = 0; !failed && i < count; i++) {
        const struct row *row = &rows[count - 1 - i];

        if (i % group == 0)
            failed = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        failed = failed || (row->blob_id && insert_blob(blob, row)) || insert_event(event, row);
        if (i % group == group - 1 || i == count - 1)
            failed = failed || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    *ret_seconds = bench_seconds() - start;
    sqlite3_finalize(blob);
    sqlite3_finalize(event);
    return failed ? -1 : 0;
}

static size_t body_bytes(const struct row *rows, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += strlen(rows[i].body);
    return sum / count;
}

static int measure(sqlite3 *from, const char *path, const struct body_kind *kind, size_t count,
                   size_t group)
{
    struct row *rows = calloc(count, sizeof(*rows));
    sqlite3 *to = NULL;
    double parse_s, write_s = 0;
    int failed = !rows || read_rows(from, count, rows) != count || open_copy(from, path, &to) ||
                 parse_all(kind, count, &parse_s) || write_rows(to, rows, count, group, &write_s);

    if (failed)
        fprintf(stderr, "bench_store: %s\n", to ? sqlite3_errmsg(to) : "fewer rows than COUNT");
    else
        printf("{\"count\": %zu, \"parse_s\": %.6f, \"sqlite_s\": %.6f, \"body_bytes\": %zu}\n",
               count, parse_s, write_s, body_bytes(rows, count));
    sqlite3_close(to);
    return failed;
}

int main(int argc, char **argv)
{
    const struct body_kind *kind = argc == 5 ? body_kind_find(argv[2]) : NULL;
    bool known = kind || (argc == 5 && !strcmp(argv[2], "-"));
    size_t count = known ? strtoul(argv[3], NULL, 10) : 0;
    size_t group = known ? strtoul(argv[4], NULL, 10) : 0;
    char path[4096];
    sqlite3 *from = NULL;

    if (!count || !group) {
        fprintf(stderr, "usage: bench_store DATABASE KIND COUNT GROUP\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s.alone", argv[1]);
    int failed = sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READWRITE, NULL) ||
                 measure(from, path, kind, count, group);
    sqlite3_close(from);
    return failed != 0;
}
