/* A demonstration whose safetensors file arrives in pieces.
 *
 * Everything but the numbers is known, and checked, once the head is in; numbers are checked as
 * they come. What is kept is one copy: the file as proto_demonstration_to_tensors would write it,
 * ready to be stored, and the demonstration's matrices borrow their numbers from it.
 */
#ifndef PROTO_INTAKE_H
#define PROTO_INTAKE_H

#include <proto/arena.h>
#include <proto/error.h>
#include <proto/wire.h>

struct proto_intake;

/* length: of the file that is to come, SIZE_MAX: not known. max_bytes: of the file that is kept.
 * NULL: no memory. */
struct proto_intake *proto_intake_new(size_t length, size_t max_bytes, struct proto_arena *arena);
void proto_intake_free(struct proto_intake *intake);

/* The next piece, of any size. Codes and places are those of proto_demonstration_from_tensors;
 * body_too_large for more than max_bytes. After a refusal nothing may be added. */
__attribute__((warn_unused_result)) enum proto_code proto_intake_add(struct proto_intake *intake,
                                                                     const unsigned char *bytes,
                                                                     size_t length,
                                                                     struct proto_error *ret_error);

/* All but the numbers, as soon as the head is in; NULL before. Its matrices have no data yet. */
const struct proto_demonstration *proto_intake_head(const struct proto_intake *intake);
/* Memory in use so far. */
size_t proto_intake_bytes(const struct proto_intake *intake);

/* After the last piece. *ret_demonstration is checked, and borrows from the intake and the arena;
 * its `encoded` is set where this machine keeps numbers in the order of the file. */
__attribute__((warn_unused_result)) enum proto_code
proto_intake_finish(struct proto_intake *intake, struct proto_demonstration *ret_demonstration,
                    struct proto_error *ret_error);

#endif
