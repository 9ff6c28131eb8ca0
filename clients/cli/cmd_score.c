/* amf score: the criterion on a problem in a file, without a server */
#include "commands.h"
#include "score.h"

COMMAND(cmd_score)
{
    (void)count;
    (void)options;
    return (enum cli_exit)cli_score_run(args[0], cli->json, cli->out, cli->err);
}
