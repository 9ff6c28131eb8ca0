/* Opening and closing: directory, lock, database, schema, readers, writer, in that order, and back.
 */
#include "store_private.h"

#include <stdlib.h>
#include <sys/stat.h>

static void store_free(struct store *store)
{
    if (!store)
        return;
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

int store_open_database(const struct store_directory *directory, sqlite3 **ret_db,
                        char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    int version = 0;
    int status = store_database_open_writer(directory->database_path, &db, ret_error);
    if (!status)
        status = store_schema_recognise(db, &version, ret_error);
    if (!status && directory->killed)
        status = store_schema_check_whole(db, ret_error);
    if (!status)
        status = make_private(directory->database_path, ret_error);
    if (!status)
        status = store_database_make_durable(db, ret_error);
    if (!status)
        status = migrate(directory, db, version, ret_error);
    if (status)
        return status;
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

static int open_in(struct store *store, const char *dir, char ret_error[STORE_ERROR_BYTES])
{
    sqlite3 *db = NULL;
    char reason[STORE_ERROR_BYTES] = "";
    int status = store_directory_open(dir, &store->directory, ret_error);
    if (status)
        return status;
    status = store_open_database(&store->directory, &db, reason);
    if (status) {
        store_error_set(ret_error, "%s: %s", store->directory.database_path, reason);
        return status;
    }
    store->writer_ready = store_writer_init(&store->writer) == STORE_OK;
    if (!store->writer_ready) {
        sqlite3_close(db);
        store_error_set(ret_error, "out of memory");
        return STORE_NO_MEMORY;
    }
    status = store_writer_start(&store->writer, db);
    if (!status)
        status = store_readers_init(&store->readers, store->directory.database_path);
    store->readers_ready = !status;
    if (status) {
        store_error_set(ret_error, "%s: %s", store->directory.database_path,
                        status == STORE_NO_MEMORY ? "out of memory" : "its tables are damaged");
        return status;
    }
    return store_directory_sync(&store->directory, ret_error);
}

int store_open(const char *dir, struct store **ret_store, char ret_error[256])
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
