/* A whole project as one file: what /export answers and /import takes.
 *
 * A plain ustar archive, so that people can look inside with tar and check it with sha256sum -c:
 *
 *     export.json                        struct proto_export: what this is, its sizes, open leases
 *     events.jsonl                       the log, one event a line
 *     demonstrations/ID.safetensors      the bytes as they are stored, in the order of their
 * events; features/ID.safetensors            features and revisions of policies stand among them
 *     policies/ID.safetensors
 *     SHA256SUMS                         of all before
 *
 * One project at one moment has one archive, but for export.json: headers hold a name and a size
 * and are otherwise constant, lines of the log are written in one way. The reader takes what the
 * writer writes and nothing else, so no byte of an archive can change without being noticed.
 * Whether the events make sense is for others to find out.
 *
 * Reader and writer hold a line of SHA256SUMS for each entry, about 110 bytes; the reader also the
 * text of export.json.
 */
#ifndef PROTO_ARCHIVE_H
#define PROTO_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include <proto/arena.h>
#include <proto/error.h>
#include <proto/wire.h>

#define PROTO_ARCHIVE_FORMAT 1
#define PROTO_ARCHIVE_BLOCK_BYTES 512
#define PROTO_ARCHIVE_NAME_BYTES 100
#define PROTO_ARCHIVE_ENTRY_MAX_BYTES                                                              \
    ((uint64_t)8 << 30) /* what eleven octal digits cannot say                                     \
                         */
/* JSON costs up to 80 times its text in memory. 4 MiB are a head with 80,000 open leases, and
 * several times the largest event that the API can make: a project with a graph. */
#define PROTO_ARCHIVE_HEAD_MAX_BYTES ((size_t)4 << 20)
#define PROTO_ARCHIVE_LINE_MAX_BYTES ((size_t)4 << 20)

/* ---- events.jsonl ---- */

struct proto_archive_event {
    int64_t seq, at_ms;
    const char *type, *body; /* JSON text */
    const char *blob;        /* id of the bytes that belong to it, or NULL */
};

/* Bytes of the line, its newline included; 0: it cannot be one. */
size_t proto_archive_event_bytes(const struct proto_archive_event *event);
/* line: without its newline, NUL-terminated; cut into the strings of *ret_event. 0, or -1: it is
 * not as the writer writes it. The body is not looked into. */
__attribute__((warn_unused_result)) int
proto_archive_event_parse(char *line, size_t length, struct proto_archive_event *ret_event);

#define PROTO_ARCHIVE_ID_BYTES 24
/* Name of the entry of a demonstration's bytes, of features or of a revision. 0, or -1: not an id.
 */
__attribute__((warn_unused_result)) int
proto_archive_blob_name(const char *id, char ret_name[PROTO_ARCHIVE_NAME_BYTES]);
/* The inverse. */
__attribute__((warn_unused_result)) int proto_archive_blob_id(const char *name,
                                                              char ret_id[PROTO_ARCHIVE_ID_BYTES]);
/* Bytes that an entry takes in the archive, header and padding included. */
uint64_t proto_archive_entry_bytes(uint64_t bytes);
/* Bytes of an entry's line in SHA256SUMS. */
uint64_t proto_archive_sum_bytes(const char *name);

/* ---- writing: bytes are put in at one end and taken out at the other ---- */

struct proto_archive_writer;

/* NULL: out of memory. */
struct proto_archive_writer *proto_archive_writer_new(void);
void proto_archive_writer_free(struct proto_archive_writer *writer); /* NULL is fine */

/* Entries in their order. 0, or -1: out of memory, a name or a size that cannot be, more or fewer
 * bytes than were announced; then the writer is of no more use. */
__attribute__((warn_unused_result)) int proto_archive_begin(struct proto_archive_writer *writer,
                                                            const char *name, uint64_t bytes);
__attribute__((warn_unused_result)) int proto_archive_put(struct proto_archive_writer *writer,
                                                          const void *bytes, size_t length);
__attribute__((warn_unused_result)) int
proto_archive_put_event(struct proto_archive_writer *writer,
                        const struct proto_archive_event *event);
__attribute__((warn_unused_result)) int proto_archive_end(struct proto_archive_writer *writer);
/* After the last entry: SHA256SUMS and the end. */
__attribute__((warn_unused_result)) int proto_archive_finish(struct proto_archive_writer *writer);

/* How many bytes wait to be taken; moves at most `room` of them, answers how many. */
size_t proto_archive_waiting(const struct proto_archive_writer *writer);
size_t proto_archive_take(struct proto_archive_writer *writer, unsigned char *buffer, size_t room);

/* ---- reading: whoever has the bytes pushes them in ---- */

struct proto_archive_reader;

struct proto_archive_entry {
    char name[PROTO_ARCHIVE_NAME_BYTES];
    uint64_t at, bytes; /* where its bytes begin in the archive */
};

/* Called for every entry, and for its bytes as they come. Either may be NULL. An answer other than
 * PROTO_CODE_OK ends the reading and is passed on. */
struct proto_archive_sink {
    enum proto_code (*begin)(void *arg, const struct proto_archive_entry *entry,
                             struct proto_error *ret_error);
    enum proto_code (*bytes)(void *arg, const struct proto_archive_entry *entry,
                             const unsigned char *bytes, size_t length,
                             struct proto_error *ret_error);
    void *arg;
};

/* sink is copied. NULL: out of memory. */
struct proto_archive_reader *proto_archive_reader_new(const struct proto_archive_sink *sink);
void proto_archive_reader_free(struct proto_archive_reader *reader); /* NULL is fine */
/* PROTO_CODE_OK, MALFORMED_ARCHIVE (error->at names the entry), NOT_SUPPORTED (a newer format),
 * NO_MEMORY, or what the sink said. After a failure nothing more may be read. */
__attribute__((warn_unused_result)) enum proto_code
proto_archive_read(struct proto_archive_reader *reader, const unsigned char *bytes, size_t length,
                   struct proto_error *ret_error);
/* There are no more bytes: PROTO_CODE_OK when that was a whole archive, every sum right. */
__attribute__((warn_unused_result)) enum proto_code
proto_archive_read_end(struct proto_archive_reader *reader, struct proto_error *ret_error);
/* NULL until export.json has been read. Lives as long as the reader. */
const struct proto_export *proto_archive_head(const struct proto_archive_reader *reader);

#endif
