/* One ranking from one view: the pure part of what the ranking thread does. */
#ifndef STATE_RANK_H
#define STATE_RANK_H

#include <stdatomic.h>
#include <stdbool.h>

#include <amf/pool.h>
#include <amf/scorer.h>
#include <state/ranking.h>

/* A ranking under way: made once a view, then picked from as often as there is time for. */
struct rank;

/* Posterior, likelihoods and weights of a view, and pick 0. engine: what is remembered of the
 * project's rankings before, borrowed for the call; it saves time and changes nothing else. NULL
 * when out of memory; a project that cannot be scored is a ranking too, with a note that says why.
 * Takes a reference on the view. */
struct rank *rank_new(struct view *view, struct amf_engine *engine, struct amf_pool *pool,
                      const atomic_bool *cancel);
void rank_free(struct rank *rank);
/* Works out one more pick. 0; 1 when there are no more; -1 out of memory. */
__attribute__((warn_unused_result)) int rank_pick(struct rank *rank);
/* Lets the newest pick be this task of the view, whatever was chosen: the next one is worked out as
 * if it had been given out. SIZE_MAX: leaves it. */
void rank_take(struct rank *rank, size_t task);
/* What is known so far, as a ranking to publish; NULL when out of memory. */
struct ranking *rank_snapshot(const struct rank *rank);

/* Whether a ranking has read all that one of this later view would read: events since were about
 * revisions that do not serve. */
bool ranking_stands(const struct ranking *ranking, const struct view *view);
/* The same ranking, of a later view that it stands for; NULL when out of memory. */
struct ranking *ranking_carry(const struct ranking *ranking, const struct view *view);
/* Snapshots from here on are of that view, for which those before stand. */
void rank_carry(struct rank *rank, const struct view *view);

#endif
