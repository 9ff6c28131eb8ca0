/* The tokens' share in the state: tokens.c, called from state.c. */
#ifndef STATE_SRC_TOKENS_H
#define STATE_SRC_TOKENS_H

#include <pthread.h>

#include <state/tokens.h>

struct store;

struct tokens {
    pthread_mutex_t mutex;       /* guards current, and the references of all tables */
    struct token_table *current; /* newest durable one */
    struct token_table *draft;   /* the writer thread's; NULL: nothing has changed */
};

/* admin_token: text of the token number 0; NULL: there is none. 0 or a store status; deinit in any
 * case. */
__attribute__((warn_unused_result)) int tokens_init(struct tokens *tokens, struct store *store,
                                                    const char *admin_token);
void tokens_deinit(struct tokens *tokens);
/* The two hooks of the store. */
void tokens_committed(struct state *state);
void tokens_rolled_back(struct state *state);

#endif
