/* The one writer: a queue of bodies, one thread, one connection, group commit.
 *
 * While the thread waits for the disk, bodies queue up; the next transaction takes them all, up to
 * a cap, so the cost of a sync is shared by everyone who waits for it. Each body runs in a
 * savepoint: its refusal undoes its own appends and nobody else's. A failure of the store undoes
 * the group.
 *
 * Every request has a condition of its own: one wake-up for each answer, and none for those who are
 * still in the queue. The request lives on the stack of the thread that waits, which cannot leave
 * before the mutex under which it is answered is free again.
 *
 * A commit that fails otherwise than for space may be on disk all the same (a sync that failed
 * after the write was seen to survive). Nobody can tell, so the writer latches: the next start
 * reads the disk and knows.
 *
 * This connection alone runs checkpoints, between commits (see database.c): passive when the
 * write-ahead log has grown by a limit, truncating when nothing has come for a second and at the
 * end.
 */
#include "store_private.h"

#include <errno.h>
#include <time.h>

enum {
    GROUP_MAX_BODIES = 256, /* bounds how long the first of a group waits for the others */
    GROUP_MAX_BLOB_BYTES = 64 << 20,
    CHECKPOINT_PAGES = 4096, /* 16 MiB of 4 KiB pages */
    IDLE_S = 1
};

static const char *const statements_sql[WRITER_STATEMENT_COUNT] = {
    [WRITER_BEGIN] = "BEGIN IMMEDIATE", [WRITER_COMMIT] = "COMMIT",
    [WRITER_ROLLBACK] = "ROLLBACK",     [WRITER_SAVEPOINT] = "SAVEPOINT body",
    [WRITER_RELEASE] = "RELEASE body",  [WRITER_ROLLBACK_TO] = "ROLLBACK TO body",
};

struct store_request {
    struct store_request *next;
    store_body_fn body;
    void *arg;
    int status;
    bool answered;
    pthread_cond_t done;
};

struct group {
    struct store_request *first, *last;
    unsigned count;
};

static int run(struct store_writer *writer, enum store_writer_statement which)
{
    sqlite3_stmt *statement = writer->statements[which];
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void latch(struct store_writer *writer, const char *what, int sqlite_code)
{
    if (atomic_load(&writer->latched))
        return;
    store_error_set(writer->latch_line,
                    "no more writes: %s: %s (SQLite code %d); whether the last change is stored is "
                    "known after a restart",
                    what, sqlite3_errstr(sqlite_code), sqlite_code);
    atomic_store(&writer->latched, writer->latch_line);
}

static struct store_request *queue_pop(struct store_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct store_request *request = writer->first;
    if (request) {
        writer->first = request->next;
        if (!writer->first)
            writer->last = NULL;
        request->next = NULL;
    }
    pthread_mutex_unlock(&writer->mutex);
    return request;
}

static struct store_request *group_take(struct group *group, struct store_writer *writer)
{
    struct store_request *request = queue_pop(writer);
    if (!request)
        return NULL;
    if (group->last)
        group->last->next = request;
    else
        group->first = request;
    group->last = request;
    group->count++;
    return request;
}

static void group_answer(struct group *group, struct store_writer *writer, int status)
{
    pthread_mutex_lock(&writer->mutex);
    for (struct store_request *request = group->first, *next; request; request = next) {
        next = request->next;
        if (status)
            request->status = status;
        request->answered = true;
        pthread_cond_signal(&request->done);
    }
    pthread_mutex_unlock(&writer->mutex);
}

static int savepoint_fail(struct store_writer *writer, int rc)
{
    if (!writer->tx.status) {
        writer->tx.status = store_status_of_write(rc);
        writer->tx.sqlite_code = rc;
    }
    return writer->tx.status;
}

/* Answers a negative status when the group has failed. */
static int run_body(struct store_writer *writer, struct store_request *request)
{
    int rc = run(writer, WRITER_SAVEPOINT);
    if (rc != SQLITE_OK)
        return savepoint_fail(writer, rc);
    int answer = request->body(&writer->tx, request->arg);
    store_tx_end_body(&writer->tx);
    if (writer->tx.status)
        return writer->tx.status;
    if (answer < 0)
        return answer;
    request->status = answer;
    if (answer > 0)
        rc = run(writer, WRITER_ROLLBACK_TO);
    if (rc == SQLITE_OK)
        rc = run(writer, WRITER_RELEASE);
    return rc == SQLITE_OK ? STORE_OK : savepoint_fail(writer, rc);
}

static int commit(struct store_writer *writer, unsigned count)
{
    int64_t began_ns = store_monotonic_ns();
    int rc = run(writer, WRITER_COMMIT);
    if (rc == SQLITE_OK) {
        store_count_commit(&writer->counters, store_monotonic_ns() - began_ns, count);
        return STORE_OK;
    }
    /* The commit record is the last thing written: without space for it there is none. */
    if (rc == SQLITE_FULL)
        return STORE_FULL;
    latch(writer, "a commit failed", rc);
    return STORE_UNKNOWN;
}

static void roll_back(struct store_writer *writer)
{
    if (writer->tx.status == STORE_UNKNOWN)
        latch(writer, "the database cannot be used", writer->tx.sqlite_code);
    if (sqlite3_get_autocommit(writer->db))
        return;
    int rc = run(writer, WRITER_ROLLBACK);
    if (!sqlite3_get_autocommit(writer->db))
        latch(writer, "a transaction cannot be rolled back", rc);
}

static int run_bodies(struct store_writer *writer, struct group *group)
{
    int status = STORE_OK;
    struct store_request *request = group->first;
    while (!status && request) {
        status = run_body(writer, request);
        bool room = group->count < GROUP_MAX_BODIES && writer->tx.blob_bytes < GROUP_MAX_BLOB_BYTES;
        request = !status && room ? group_take(group, writer) : NULL;
    }
    return status ? status : commit(writer, group->count);
}

static int begin(struct store_writer *writer)
{
    if (atomic_load(&writer->latched))
        return STORE_UNKNOWN;
    store_tx_begin(&writer->tx);
    int rc = run(writer, WRITER_BEGIN);
    int status = store_status_of_write(rc);
    if (status == STORE_UNKNOWN)
        latch(writer, "no transaction can be begun", rc);
    return status;
}

static void call(void (*hook)(void *), void *arg)
{
    if (hook)
        hook(arg);
}

static void write_group(struct store_writer *writer)
{
    struct group group = {NULL, NULL, 0};
    if (!group_take(&group, writer))
        return;
    int status = begin(writer);
    if (!status) {
        status = run_bodies(writer, &group);
        if (status)
            roll_back(writer);
        call(status ? writer->hooks.rolled_back : writer->hooks.committed, writer->hooks.arg);
    }
    if (status)
        atomic_fetch_add_explicit(status == STORE_FULL ? &writer->counters.full
                                                       : &writer->counters.failed,
                                  1, memory_order_relaxed);
    group_answer(&group, writer, status);
}

static int count_wal_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct store_writer *writer = arg;
    if (pages < writer->wal_pages) /* begun anew after a full checkpoint */
        writer->checkpoint_at_pages = CHECKPOINT_PAGES;
    writer->wal_pages = pages;
    return SQLITE_OK;
}

static void checkpoint(struct store_writer *writer, int mode)
{
    /* Does not wait for readers: writers would wait with it. */
    sqlite3_busy_timeout(writer->db, 0);
    int rc = sqlite3_wal_checkpoint_v2(writer->db, NULL, mode, NULL, NULL);
    sqlite3_busy_timeout(writer->db, 5000);
    if (rc == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE)
        writer->wal_pages = 0;
    writer->checkpoint_at_pages = writer->wal_pages + CHECKPOINT_PAGES;
    if (store_status_of_write(rc) == STORE_UNKNOWN)
        latch(writer, "the write-ahead log cannot be emptied", rc);
}

enum wake { WAKE_WORK, WAKE_IDLE, WAKE_STOP };

static enum wake wait_for_work(struct store_writer *writer)
{
    bool settled = writer->wal_pages == 0 || atomic_load(&writer->latched);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;

    pthread_mutex_lock(&writer->mutex);
    int rc = 0;
    while (!writer->first && !writer->stopping && rc != ETIMEDOUT) {
        if (settled)
            pthread_cond_wait(&writer->wake, &writer->mutex);
        else
            rc = pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
    }
    enum wake wake = writer->first ? WAKE_WORK : writer->stopping ? WAKE_STOP : WAKE_IDLE;
    pthread_mutex_unlock(&writer->mutex);
    return wake;
}

static void *writer_main(void *arg)
{
    struct store_writer *writer = arg;
    for (;;) {
        switch (wait_for_work(writer)) {
        case WAKE_WORK:
            write_group(writer);
            if (writer->wal_pages >= writer->checkpoint_at_pages && !atomic_load(&writer->latched))
                checkpoint(writer, SQLITE_CHECKPOINT_PASSIVE);
            break;
        case WAKE_IDLE:
            checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE);
            break;
        case WAKE_STOP:
            return NULL;
        }
    }
}

int store_writer_init(struct store_writer *writer)
{
    pthread_condattr_t attributes;
    *writer = (struct store_writer){.checkpoint_at_pages = CHECKPOINT_PAGES};
    if (pthread_mutex_init(&writer->mutex, NULL))
        return STORE_NO_MEMORY;
    if (pthread_condattr_init(&attributes)) {
        pthread_mutex_destroy(&writer->mutex);
        return STORE_NO_MEMORY;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(&writer->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (rc) {
        pthread_mutex_destroy(&writer->mutex);
        return STORE_NO_MEMORY;
    }
    return STORE_OK;
}

int store_writer_start(struct store_writer *writer, sqlite3 *db)
{
    writer->db = db;
    writer->wal_pages = 1; /* what the last run or a migration left: emptied when idle */
    sqlite3_wal_hook(db, count_wal_pages, writer);
    int status =
        store_statements_prepare(db, statements_sql, WRITER_STATEMENT_COUNT, writer->statements);
    if (!status)
        status = store_tx_init(&writer->tx, db);
    if (status)
        return status;
    status = store_thread_start(&writer->thread, writer_main, writer);
    writer->started = !status;
    return status;
}

void store_writer_stop(struct store_writer *writer)
{
    if (!writer->started)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    writer->started = false;
}

/* After the readers are gone: then the last checkpoint can empty the log and its files go away.
 * When latched the log stays as it is, for the next start to read. */
void store_writer_deinit(struct store_writer *writer)
{
    store_writer_stop(writer);
    store_tx_deinit(&writer->tx);
    store_statements_finalize(writer->statements, WRITER_STATEMENT_COUNT);
    if (writer->db && !atomic_load(&writer->latched)) {
        checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE);
        if (!atomic_load(&writer->latched))
            sqlite3_db_config(writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    sqlite3_close(writer->db);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
}

size_t store_writer_queued(struct store_writer *writer)
{
    size_t length = 0;
    pthread_mutex_lock(&writer->mutex);
    for (const struct store_request *request = writer->first; request; request = request->next)
        length++;
    pthread_mutex_unlock(&writer->mutex);
    return length;
}

int store_writer_submit(struct store_writer *writer, store_body_fn body, void *arg)
{
    struct store_request request = {.body = body, .arg = arg};
    if (pthread_equal(pthread_self(), writer->thread)) /* it would wait for itself */
        return STORE_INVALID;
    if (pthread_cond_init(&request.done, NULL))
        return STORE_NO_MEMORY;

    pthread_mutex_lock(&writer->mutex);
    if (writer->last)
        writer->last->next = &request;
    else
        writer->first = &request;
    writer->last = &request;
    pthread_cond_signal(&writer->wake);
    while (!request.answered)
        pthread_cond_wait(&request.done, &writer->mutex);
    pthread_mutex_unlock(&writer->mutex);

    pthread_cond_destroy(&request.done);
    return request.status;
}
