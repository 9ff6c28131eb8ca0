/* Whether a database is what was written: SQLite's own check of its pages and indexes, every row
 * against its checksum, and every event against the bytes it names.
 *
 * A row that is wrong does not end the check, a page that cannot be read ends that of its table.
 */
#include "store_private.h"

#include <string.h>

/* Beyond it a damaged file says the same again and again. */
#define PROBLEMS_OF_PAGES "20"

struct check {
    sqlite3 *db;
    store_problem_fn fn; /* NULL: the first problem ends the check */
    void *arg;
};

static int tell(const struct check *check, const struct store_problem *problem)
{
    if (!check->fn)
        return STORE_CORRUPT;
    check->fn(problem, check->arg);
    return STORE_OK;
}

/* A table that is read row by row: what it holds (as told), its rows as project, seq, id and
 * whether it is intact. */
struct table {
    const char *what, *sql;
};

static const struct table tables[] = {
    {"event",
     "SELECT e.project, e.seq, NULL, " STORE_EVENT_INTACT " FROM event AS e ORDER BY e.position"},
    {"demonstration", "SELECT b.project, 0, b.blob_id, " STORE_BLOB_INTACT " FROM blob AS b"},
    {"kept answer", "SELECT NULL, 0, NULL, " STORE_REPLY_INTACT " FROM reply"},
    {"token", "SELECT NULL, number, NULL, " STORE_TOKEN_INTACT " FROM token"},
};

/* Each is one pass: events have no index by blob, so a look-up for each blob would be quadratic. */
static const struct table relations[] = {
    {"demonstration", "SELECT e.project, e.seq, e.blob_id, 0 FROM event AS e LEFT JOIN blob AS b "
                      "ON b.project = e.project AND b.blob_id = e.blob_id "
                      "WHERE e.blob_id IS NOT NULL AND b.blob_id IS NULL"},
    {"demonstration",
     "SELECT b.project, 0, b.blob_id, 0 FROM blob AS b WHERE (b.project, b.blob_id) "
     "NOT IN (SELECT project, blob_id FROM event WHERE blob_id IS NOT NULL)"},
};
static const char *const relation_texts[] = {"an event names it and it is not there",
                                             "no event names it"};

/* What SQLite says when it cannot go on is a problem of the table, unless this machine is at fault.
 */
static int tell_end(const struct check *check, const char *what, int rc)
{
    int status = store_status_of_read(rc);
    if (status != STORE_CORRUPT)
        return status;
    return tell(check, &(struct store_problem){.what = what,
                                               .text = "cannot be read on: the file is damaged"});
}

static int visit(const struct check *check, const struct table *table, const char *text,
                 int64_t *count)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(check->db, table->sql, -1, &statement, NULL), status = STORE_OK;
    while (rc == SQLITE_OK && !status && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        ++*count;
        if (!sqlite3_column_int(statement, 3))
            status = tell(check, &(struct store_problem){
                                     .what = table->what,
                                     .project = (const char *)sqlite3_column_text(statement, 0),
                                     .seq = sqlite3_column_int64(statement, 1),
                                     .id = (const char *)sqlite3_column_text(statement, 2),
                                     .text = text});
    }
    sqlite3_finalize(statement);
    return status || rc == SQLITE_DONE ? status : tell_end(check, table->what, rc);
}

int store_check_rows(sqlite3 *db, store_problem_fn fn, void *arg, struct store_counts *ret_counts)
{
    const struct check check = {db, fn, arg};
    int64_t *counts[] = {&ret_counts->events, &ret_counts->blobs, &ret_counts->replies,
                         &ret_counts->tokens};
    int status = STORE_OK;
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !status; i++)
        status = visit(&check, &tables[i], "is not what was written", counts[i]);
    return status;
}

static int check_pages(const struct check *check)
{
    sqlite3_stmt *statement = NULL;
    int status = STORE_OK;
    int rc = sqlite3_prepare_v2(check->db, "PRAGMA integrity_check(" PROBLEMS_OF_PAGES ")", -1,
                                &statement, NULL);
    while (rc == SQLITE_OK && !status && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(statement, 0);
        rc = SQLITE_OK;
        if (!line || sqlite3_stricmp(line, "ok") != 0)
            status = tell(check, &(struct store_problem){.what = "database",
                                                         .text = line ? line : "is damaged"});
    }
    sqlite3_finalize(statement);
    return status || rc == SQLITE_DONE ? status : tell_end(check, "database", rc);
}

int store_check(struct store *store, store_problem_fn fn, void *arg,
                struct store_counts *ret_counts)
{
    struct store_reader *reader = NULL;
    int64_t wrong = 0;
    int status = store_reader_borrow(&store->readers, &reader);
    if (status)
        return status;
    const struct check check = {reader->db, fn, arg};
    *ret_counts = (struct store_counts){0};
    status = check_pages(&check);
    if (!status)
        status = store_check_rows(reader->db, fn, arg, ret_counts);
    for (size_t i = 0; i < sizeof(relations) / sizeof(*relations) && !status; i++)
        status = visit(&check, &relations[i], relation_texts[i], &wrong);
    store_reader_give_back(&store->readers, reader);
    return status;
}
