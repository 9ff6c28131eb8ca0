/* What the server lists, as one table: page after page, or the page that was asked for. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <proto/wire.h>

#include "cli.h"

struct listing_page {
    struct proto_list items;
    const char *next; /* the cursor of the page behind it; NULL: there is none */
};

struct listing {
    const struct column *columns;
    size_t column_count;
    /* One page, valid as long as the result. project: for those lists that are of one. ret_page
     * NULL: only the server's words are wanted. */
    enum amf_client_status (*ask)(struct cli *cli, const char *project,
                                  const struct amf_client_page *page,
                                  struct amf_client_result *result, struct listing_page *ret_page);
    int (*add)(struct table *table, const struct proto_list *items); /* -1: no memory */
};

/* from: where to begin; its limit 0: everything, else only that page. */
enum cli_exit cli_list(struct cli *cli, const struct listing *listing, const char *project,
                       struct amf_client_page from);

#endif
