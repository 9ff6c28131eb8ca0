/* Opening and closing: directory, lock, readers, database, schema, writer, in that order, and back.
 *
 * After a kill the whole database is checked before anything is written. That reads all of it, so
 * it goes on beside the caller, who reads too: a thread has the connection that will write, and
 * only once it has ended well is that connection made durable and given to the writer.
 */
#include "store_private.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static void store_free(struct store *store)
{
    if (!store)
        return;
    if (store->opening.checking)
        pthread_join(store->opening.thread, NULL);
    sqlite3_close(store->opening.db);
    if (store->writer_ready)
        store_writer_stop(&store->writer);
    if (store->readers_ready)
        store_readers_deinit(&store->readers);
    if (store->writer_ready)
        store_writer_deinit(&store->writer);
    store_directory_deinit(&store->directory);
    free(store);
}

static void store_freep(struct store **store)
{
    store_free(*store);
}

static void close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}

/* A database copied here from elsewhere may be readable by all; its log takes its mode. */
static int make_private(const char *path, char ret_error[STORE_ERROR_BYTES])
{
    if (chmod(path, 0600) == 0)
        return STORE_OK;
    store_error_set(ret_error, "cannot be made private");
    return STORE_INVALID;
}

/* A step may change every row, and there may be more of them than memory. */
static int migrate(const struct store_directory *directory, sqlite3 *db, int version,
                   char ret_error[STORE_ERROR_BYTES])
{
    bool spills = version > 0 && version < store_migration_count;
    int rc = spills ? store_database_spill_begin(db, directory->path) : SQLITE_OK;
    int status = store_status_of_read(rc);
    if (!status)
        status = store_schema_migrate(db, version, ret_error);
    if (spills)
        rc = store_database_spill_end(db);
    return status ? status : store_status_of_read(rc);
}

/* The first half of opening: nothing is written. */
static int open_recognised(const struct store_directory *directory, sqlite3 **ret_db,
                           int *ret_version, char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    int status = store_database_open_writer(directory->database_path, &db, ret_error);
    if (!status)
        status = store_schema_recognise(db, ret_version, ret_error);
    if (status)
        return status;
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

/* The second, once it is known that the files belong together. */
static int settle(const struct store_directory *directory, sqlite3 *db, int version,
                  char ret_error[STORE_ERROR_BYTES])
{
    int status = make_private(directory->database_path, ret_error);
    if (!status)
        status = store_database_make_durable(db, ret_error);
    if (!status)
        status = migrate(directory, db, version, ret_error);
    return status;
}

static int check_and_settle(const struct store_directory *directory, sqlite3 *db, int version,
                            char ret_error[STORE_ERROR_BYTES])
{
    int status = directory->killed ? store_schema_check_whole(db, ret_error) : STORE_OK;
    if (!status)
        status = settle(directory, db, version, ret_error);
    if (!status && !directory->killed)
        status = store_schema_check_events(db, ret_error);
    return status;
}

int store_open_database(const struct store_directory *directory, sqlite3 **ret_db,
                        char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    int version = 0;
    int status = open_recognised(directory, &db, &version, ret_error);
    if (!status)
        status = check_and_settle(directory, db, version, ret_error);
    if (status)
        return status;
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

int store_thread_start(pthread_t *ret_thread, void *(*main)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(ret_thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc ? STORE_NO_MEMORY : STORE_OK;
}

static void *opening_main(void *arg)
{
    struct store_opening *opening = arg;
    opening->status = store_schema_check_whole(opening->db, opening->reason);
    return NULL;
}

static int start_writer(struct store *store, char ret_error[STORE_ERROR_BYTES])
{
    sqlite3 *db = store->opening.db;
    store->writer_ready = store_writer_init(&store->writer) == STORE_OK;
    if (!store->writer_ready) {
        store_error_set(ret_error, "out of memory");
        return STORE_NO_MEMORY;
    }
    store->opening.db = NULL;
    int status = store_writer_start(&store->writer, db);
    if (status) {
        store_error_set(ret_error, "%s: %s", store->directory.database_path,
                        status == STORE_NO_MEMORY ? "out of memory" : "its tables are damaged");
        return status;
    }
    store_backup_sweep(&store->directory);
    return store_directory_sync(&store->directory, ret_error);
}

/* A database that a migration has yet to change cannot be read by others meanwhile. */
static int check_or_begin_to(struct store *store, int version, char ret_error[STORE_ERROR_BYTES])
{
    struct store_opening *opening = &store->opening;
    if (!store->directory.killed || version < store_migration_count)
        return check_and_settle(&store->directory, opening->db, version, ret_error);
    atomic_flag_test_and_set(&store->backing_up); /* a backup would write */
    int status = store_thread_start(&opening->thread, opening_main, opening);
    opening->checking = !status;
    return status;
}

static int open_in(struct store *store, const char *dir, char ret_error[STORE_ERROR_BYTES])
{
    char reason[STORE_ERROR_BYTES] = "out of memory";
    int version = 0;
    int status = store_directory_open(dir, &store->directory, ret_error);
    if (status)
        return status;
    status = store_readers_init(&store->readers, store->directory.database_path);
    store->readers_ready = !status;
    if (!status)
        status = open_recognised(&store->directory, &store->opening.db, &version, reason);
    if (!status)
        status = check_or_begin_to(store, version, reason);
    if (status) {
        store_error_set(ret_error, "%s: %s", store->directory.database_path, reason);
        return status;
    }
    return store->opening.checking ? STORE_OK : start_writer(store, ret_error);
}

int store_open_begin(const char *dir, struct store **ret_store, char ret_error[256])
{
    __attribute__((cleanup(store_freep))) struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        store_error_set(ret_error, "out of memory");
        return STORE_NO_MEMORY;
    }
    store->directory = (struct store_directory)STORE_DIRECTORY_NULL;
    atomic_flag_clear(&store->backing_up);
    int status = open_in(store, dir, ret_error);
    if (status)
        return status;
    *ret_store = store;
    store = NULL;
    return STORE_OK;
}

int store_open_end(struct store *store, char ret_error[256])
{
    struct store_opening *opening = &store->opening;
    if (!opening->checking)
        return STORE_OK;
    pthread_join(opening->thread, NULL);
    opening->checking = false;
    int status = opening->status;
    if (!status)
        status = settle(&store->directory, opening->db, store_migration_count, opening->reason);
    if (status) {
        store_error_set(ret_error, "%s: %s", store->directory.database_path, opening->reason);
        return status;
    }
    atomic_flag_clear(&store->backing_up);
    return start_writer(store, ret_error);
}

int store_open(const char *dir, struct store **ret_store, char ret_error[256])
{
    __attribute__((cleanup(store_freep))) struct store *store = NULL;
    int status = store_open_begin(dir, &store, ret_error);
    if (!status)
        status = store_open_end(store, ret_error);
    if (status)
        return status;
    *ret_store = store;
    store = NULL;
    return STORE_OK;
}

static int recognise_current(struct store *store, char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    char reason[STORE_ERROR_BYTES] = "cannot be read";
    const char *path = store->directory.database_path;
    int version = 0;
    int status = store_database_open_offline(path, store->readers.has_log, &db);
    if (!status)
        status = store_schema_recognise(db, &version, reason);
    if (status) {
        store_error_set(ret_error, "%s: %s", path, reason);
        return status;
    }
    if (version == store_migration_count)
        return STORE_OK;
    store_error_set(ret_error,
                    "%s: has schema version %d, older than this program's %d; start amfd on it "
                    "once, which brings it up to date",
                    path, version, store_migration_count);
    return STORE_INVALID;
}

int store_open_offline(const char *dir, struct store **ret_store, char ret_error[256])
{
    __attribute__((cleanup(store_freep))) struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        store_error_set(ret_error, "out of memory");
        return STORE_NO_MEMORY;
    }
    store->directory = (struct store_directory)STORE_DIRECTORY_NULL;
    atomic_flag_test_and_set(&store->backing_up); /* a backup would write */
    int status = store_directory_open_offline(dir, &store->directory, ret_error);
    if (status)
        return status;
    status = store_readers_init(&store->readers, store->directory.database_path);
    store->readers_ready = !status;
    store->readers.offline = true;
    store->readers.has_log = store_directory_has_log(&store->directory);
    if (status)
        store_error_set(ret_error, "out of memory");
    else
        status = recognise_current(store, ret_error);
    if (status)
        return status;
    *ret_store = store;
    store = NULL;
    return STORE_OK;
}

void store_set_hooks(struct store *store, const struct store_hooks *hooks)
{
    store->writer.hooks = *hooks;
}

void store_close(struct store *store)
{
    store_free(store);
}

const char *store_library(void)
{
    return sqlite3_libversion();
}

const char *store_latched(struct store *store)
{
    return atomic_load(&store->writer.latched);
}

int store_write(struct store *store, store_body_fn body, void *arg)
{
    return store->writer_ready ? store_writer_submit(&store->writer, body, arg) : STORE_INVALID;
}
