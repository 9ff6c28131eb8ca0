/* amfd in this program's place, for what it alone can do and needs no running server. */
#ifndef CLI_RUN_AMFD_H
#define CLI_RUN_AMFD_H

#include "cli.h"

enum { RUN_AMFD_MAX = 12 };

/* arguments: NULL behind the last; the first is filled in. Returns only when it cannot be run. */
enum cli_exit run_amfd(struct cli *cli, const char *arguments[RUN_AMFD_MAX]);

#endif
