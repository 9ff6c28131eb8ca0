/* What the tests of the wire share: running a suite, memory that ends at a wall, hand-made tensor
 * files. */
#ifndef TEST_PROTO_SUPPORT_H
#define TEST_PROTO_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <check.h>

#include <proto/wire.h>

/* Runs and frees the suite; what main returns. Under TAP the report says what failed, so that is 0.
 */
int support_run(Suite *suite);

/* A copy of bytes whose end touches a page that must not be read: one byte too far is a crash. */
struct guarded {
    unsigned char *bytes;
    size_t length;
    void *mapping;
    size_t mapping_bytes;
};
struct guarded guarded_copy(const void *bytes, size_t length);
void guarded_free(struct guarded *guarded);
#define GUARDED_CLEANUP __attribute__((cleanup(guarded_free)))

/* 8 bytes of length, header, data_bytes bytes counting up from 0. */
struct guarded tensor_file(const char *header, size_t data_bytes);
/* The same with a length that says something else than the header has. */
struct guarded tensor_file_saying(uint64_t header_length, const char *header, size_t data_bytes);

/* Fills a struct of any message with its defaults. */
void support_defaults(const struct proto_shape *shape, void *object);

/* Room and alignment for any message. */
union message {
    struct proto_project project;
    struct proto_task task;
    struct proto_demonstration demonstration;
    struct proto_ask ask;
    struct proto_complete complete;
    struct proto_ranking ranking;
    struct proto_asked asked;
};

#endif
