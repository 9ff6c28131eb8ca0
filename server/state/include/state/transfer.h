/* A whole project out of one server and into another, as the archive of proto/archive.h.
 *
 * Out: the events up to the newest durable one, and their demonstrations. Events are never changed,
 * so reading them piece by piece, while others are appended, still gives the project as it stood at
 * one moment.
 *
 * In: everything is read, checked and folded before the writer hears of it; what is left for the
 * transaction is to append the rows. The copy has the same events: sequence numbers, ids, times,
 * frozen numbers, hashes. Where leases were open, one event more (leases_carried) gives them the
 * time that was left, counted from now.
 */
#ifndef STATE_TRANSFER_H
#define STATE_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include <proto/error.h>
#include <state/view.h>

struct project;
struct state;
struct state_export;
struct state_import;
struct store_tx;

/* version: of this program, for the archive's head. PROTO_CODE_OK, PROJECT_NOT_FOUND, NO_MEMORY or
 * INTERNAL (what is held cannot be read back). Any thread; the export is for one at a time. */
__attribute__((warn_unused_result)) enum proto_code
state_export_new(struct state *state, const char *project_id, const char *version,
                 struct state_export **ret_export, struct proto_error *ret_error);
/* Of the archive. */
uint64_t state_export_bytes(const struct state_export *export);
/* The next bytes, at least one and at most `room`; *ret_length 0: that was all. 0, or -1: the store
 * cannot be read. */
__attribute__((warn_unused_result)) int state_export_read(struct state_export *export,
                                                          unsigned char *buffer, size_t room,
                                                          size_t *ret_length);
void state_export_free(struct state_export *export); /* NULL is fine */

/* Reads the archive in the file fd, which stays the caller's and must outlive the import.
 * PROTO_CODE_OK, PROJECT_EXISTS, MALFORMED_ARCHIVE, INVALID_ARCHIVE or NOT_SUPPORTED with
 * error->at naming the entry at fault, NO_MEMORY, INTERNAL. Any thread, no transaction. */
__attribute__((warn_unused_result)) enum proto_code
state_import_new(struct state *state, const char *project_id, int fd,
                 struct state_import **ret_import, struct proto_error *ret_error);
/* Inside a store_write body; once. Statuses as in project.h. */
__attribute__((warn_unused_result)) int
state_import_commit(struct state *state, struct store_tx *tx, struct state_import *import,
                    struct project **ret_project, struct proto_error *ret_error);
void state_import_free(struct state_import *import); /* NULL is fine */

#endif
