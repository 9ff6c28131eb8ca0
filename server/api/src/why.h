/* The sentence that explains a choice to the person who is to carry it out. */
#ifndef API_WHY_H
#define API_WHY_H

#include <state/decide.h>

/* In the arena; NULL: out of memory. A task was chosen. */
const char *why(struct proto_arena *arena, const struct decide_request *request,
                const struct decided *decided);

#endif
