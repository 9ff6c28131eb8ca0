/* Snapshots from the inside: the working project is a view that is still being written. */
#ifndef STATE_VIEW_INTERNAL_H
#define STATE_VIEW_INTERNAL_H

#include <state/view.h>

/* A frozen copy with one reference; NULL when out of memory. O(n / 256 + M). */
struct view *view_freeze(const struct view *draft);
/* Fills a zeroed draft with what a view holds. 0, or -1 when out of memory. */
__attribute__((warn_unused_result)) int view_thaw(const struct view *view, struct view *ret_draft);
void view_deinit(struct view *draft);

#endif
