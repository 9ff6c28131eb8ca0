/* What is remembered between the rankings of one growing problem, so that an added demonstration
 * costs its own part and not the whole again.
 *
 * An engine is nothing but a memory: amf_scorer_renew answers with the same bits whatever the
 * engine has seen before, because every number in it is a sum in the order of the conditioned rows
 * (src/fold.h) and a demonstration appended adds to the end of that sum. Anything else than
 * appended demonstrations (other settings, one taken away, other scales, a limit's set cut anew)
 * empties it.
 *
 * Memory with N conditioned rows (at most 4,096), P pairs that weigh something and M tasks: N^2
 * doubles for the table of a kernel on states and N^2 / 2 for the inverse factor; N P (twice where
 * the kernel does not separate into a state's and a task's part) and P^2 / 2 for the pairs'
 * covariances, at most 320 MiB each (a problem that needs more is ranked without them, from
 * nothing); N M (1 + action_dim) for means and variances; a quarter of room on top. A scorer reads
 * the covariances where they are and holds them; while one does, an update writes to a second set
 * of them, which the engine keeps.
 */
#ifndef AMF_ENGINE_H
#define AMF_ENGINE_H

#include <stddef.h>

#include <amf/status.h>

struct amf_engine; /* one thread at a time */

AMF_CHECKED enum amf_status amf_engine_new(struct amf_engine **ret_engine);
void amf_engine_free(struct amf_engine *engine); /* NULL is fine */
size_t amf_engine_bytes(const struct amf_engine *engine);

static inline void amf_engine_freep(struct amf_engine **engine)
{
    amf_engine_free(*engine);
}
#define AMF_ENGINE_CLEANUP __attribute__((cleanup(amf_engine_freep)))

#endif
