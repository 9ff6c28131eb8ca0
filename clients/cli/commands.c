/* The table. A new verb is a row here and a function in its noun's file. */
#include "commands.h"

#include <stddef.h>

#define SETTINGS                                                                                   \
    "KEY is a dotted path as `amf project show` prints it (kernel.variance, selection.lease_s),\n" \
    "VALUE a number, a word, true, false, null, or JSON ([-12,0]).\n"
#define FILES                                                                                      \
    "A FILE ends in .safetensors (tensors states and actions, the rest in its metadata) or in\n"   \
    ".json (the body that the API takes). Options given here override what the files say.\n"

#define LAB                                                                                        \
    "The means of all rules are over the same seeds: demonstrations come in the same order for\n"  \
    "each. Intervals are 90 % bootstrap intervals over seeds.\n"

const struct command commands[] = {
    {"project", "create", "ID", 1, 1, "create a project; what is not set has the server's defaults",
     SETTINGS, project_create_options, sizeof(struct project_create_options), NULL, false,
     cmd_project_create},
    {"project", "list", "", 0, 0, "list the projects", .run = cmd_project_list},
    {"project", "show", "ID", 1, 1, "show every setting of a project", .run = cmd_project_show},
    {"project", "set", "ID KEY=VALUE...", 2, SIZE_MAX, "change settings of a project", SETTINGS,
     .run = cmd_project_set},
    {"project", "refit", "ID", 1, 1, "take moments and scales anew from what is held now",
     "Scales are frozen once enough is held; this alone changes them later. With\n"
     "kernel.state_scale=marginal_likelihood it may take seconds.\n",
     .run = cmd_project_refit},
    {"project", "delete", "ID", 1, 1, "take a project out of reach", .run = cmd_project_delete},
    {"project", "export", "ID", 1, 1, "write a whole project to one file",
     "The file is a tar archive with checksums inside, and is checked while it comes; `amf "
     "project\n"
     "import` makes a project of it again, `amf backtest` reads it. Other work goes on "
     "meanwhile.\n",
     project_export_options, sizeof(struct project_export_options), NULL, false,
     cmd_project_export},
    {"project", "import", "ID FILE", 2, 2, "make a new project of an exported one",
     "It has everything that was exported: ids, times, frozen scales; open assignments keep the\n"
     "time they had left. A file that is torn or altered is refused whole.\n",
     .run = cmd_project_import},

    {"task", "add", "PROJECT KEY", 2, 2, "add a task, or replace the one of that key", NULL,
     task_add_options, sizeof(struct proto_task), proto_task_defaults, false, cmd_task_add},
    {"task", "list", "PROJECT", 1, 1, "list the tasks with what is held and pending for them",
     .run = cmd_task_list},
    {"task", "show", "PROJECT KEY", 2, 2, "show one task", .run = cmd_task_show},
    {"task", "delete", "PROJECT KEY", 2, 2, "delete a task that has no demonstrations",
     .run = cmd_task_delete},

    {"demo", "add", "PROJECT FILE...", 2, SIZE_MAX, "add demonstrations from files", FILES,
     demo_options, sizeof(struct demo_options), demo_defaults, false, cmd_demo_add},
    {"demo", "upload", "PROJECT DIR", 2, 2, "add all demonstrations of a folder and its subfolders",
     FILES
     "Files are taken in the order of their paths; hidden ones are left out. Refused files are "
     "named\n"
     "and do not stop the rest. Content that is held already is recognised, so an upload that was\n"
     "interrupted goes on when the same command is run again. A .json file without states and\n"
     "actions is left out.\n",
     demo_options, sizeof(struct demo_options), demo_defaults, false, cmd_demo_upload},
    {"demo", "list", "PROJECT", 1, 1, "list the demonstrations",
     "With --json, one page is printed, and --cursor takes the next_cursor it ends with.\n",
     demo_list_options, sizeof(struct demo_list_options), NULL, false, cmd_demo_list},
    {"demo", "show", "PROJECT ID", 2, 2, "show one demonstration without its steps",
     "With --json, states and actions are included.\n", .run = cmd_demo_show},
    {"demo", "get", "PROJECT ID", 2, 2, "write one demonstration to a safetensors file",
     "With --json, it is printed as JSON and no file is written.\n", demo_get_options,
     sizeof(struct demo_get_options), NULL, false, cmd_demo_get},
    {"demo", "delete", "PROJECT ID", 2, 2, "retract a demonstration", NULL, demo_delete_options,
     sizeof(struct demo_delete_options), NULL, false, cmd_demo_delete},

    {"policy", "put", "PROJECT REVISION", 2, 2, "tell of a revision of the policy, staged for now",
     "With --file, a safetensors file says it all in its metadata, and the other options are left\n"
     "out.\n",
     policy_put_options, sizeof(struct policy_put_options), policy_put_defaults, false,
     cmd_policy_put},
    {"policy", "upload", "PROJECT REVISION DIR", 3, 3,
     "upload a revision's features of demonstrations",
     "DIR has a file DEMONSTRATION.safetensors for each, with tensors such as phi, h, mean or\n"
     "log_likelihood; docs/http.md says which. Refused files are named and do not stop the rest;\n"
     "run again, it goes on where it was interrupted.\n",
     .run = cmd_policy_upload},
    {"policy", "missing", "PROJECT REVISION", 2, 2,
     "list the demonstrations and tasks that a revision has no features of",
     .run = cmd_policy_missing},
    {"policy", "activate", "PROJECT REVISION", 2, 2,
     "let a revision serve; the one it takes the place of is retired", .run = cmd_policy_activate},
    {"policy", "list", "PROJECT", 1, 1, "list the revisions of a project's policy",
     .run = cmd_policy_list},
    {"policy", "show", "PROJECT REVISION", 2, 2, "show one revision", .run = cmd_policy_show},

    {"next", NULL, "PROJECT", 1, 1, "ask which task to demonstrate next",
     "The same operator asking again is given the same assignment until it has ended.\n",
     next_options, sizeof(struct next_options), next_defaults, false, cmd_next},
    {"complete", NULL, "PROJECT ASSIGNMENT", 2, 2, "end an assignment with its demonstration",
     "One of --demo and --demonstration-id is needed.\n" FILES, complete_options,
     sizeof(struct complete_options), complete_defaults, false, cmd_complete},
    {"renew", NULL, "PROJECT ASSIGNMENT", 2, 2, "take more time for an assignment",
     "The answer tells the new fence; the old one is good until the new one is used.\n",
     renew_options, sizeof(struct renew_options), renew_defaults, false, cmd_renew},
    {"skip", NULL, "PROJECT ASSIGNMENT", 2, 2, "give an assignment back: not this task",
     "--to me: it may come again after another task; others: not to you again; never: to nobody.\n"
     "An update of the task (`amf task add`) offers it to everybody again.\n",
     skip_options, sizeof(struct end_options), end_defaults, false, cmd_skip},
    {"fail", NULL, "PROJECT ASSIGNMENT", 2, 2, "end an assignment: the attempt did not work",
     "It counts as one attempt. A failed recording worth keeping: `amf complete --failed` first.\n",
     end_options, sizeof(struct end_options), end_defaults, false, cmd_fail},
    {"release", NULL, "PROJECT ASSIGNMENT", 2, 2,
     "give an assignment back as if it had never been asked for", NULL, end_options,
     sizeof(struct end_options), end_defaults, false, cmd_release},
    {"ranking", NULL, "PROJECT", 1, 1, "show what one more demonstration of each task is worth",
     "demos are the demonstrations held, pending those that are assigned; ess is the effective\n"
     "sample size, how many held demonstrations stand behind a gain. > marks the choice.\n",
     ranking_options, sizeof(struct ranking_options), NULL, false, cmd_ranking},
    {"decisions", NULL, "PROJECT [ID]", 1, 2, "show which task was chosen when, and by what",
     "With an ID, the one decision and all that it was made of. With --json, one page is printed,\n"
     "and --cursor takes the next_cursor it ends with.\n",
     decisions_options, sizeof(struct decisions_options), NULL, false, cmd_decisions},
    {"report", NULL, "PROJECT", 1, 1, "show how far a project has come, and what it cost",
     "Entropies are what is expected to be left to learn of each task, in nats: less is better.\n",
     .run = cmd_report},
    {"replay", NULL, "EXPORT", 1, 1, "make every decision of an exported project again",
     "EXPORT is a file that `amf project export` wrote. Exit code 0: all came out the same, bit "
     "for\n"
     "bit, 1: one did not, and is told. With --what-if: what other settings would have asked, "
     "given\n"
     "what was held and under way each time. Runs amfd, the one beside this program if there is "
     "one.\n" SETTINGS,
     replay_options, sizeof(struct replay_options), NULL, true, cmd_replay},
    {"events", NULL, "PROJECT", 1, 1, "tell what happened in a project, or what happens",
     "Each line is an event: its number, when, what, and what it is about. --follow begins behind\n"
     "the newest event unless --after says otherwise, and goes on until it is stopped; with "
     "--json\n"
     "it prints one event a line. Without --follow, --json prints one page.\n",
     events_options, sizeof(struct events_options), events_defaults, false, cmd_events},
    {"score", NULL, "PROBLEM.json", 1, 1, "score a problem in a file, without a server",
     "- reads standard input. The result is JSON, on one line with --json. Gains are in nats, or "
     "in\n"
     "(action unit)^2 for variance measures.\n",
     .local = true, .run = cmd_score},
    {"experiment", "integrator", "", 0, 0, "compare rules on a simulated point mass",
     "It starts at the origin and is to reach one of 12 points of a circle; a policy learns from\n"
     "noisy demonstrations. Told is the return, minus the distance to the point summed over "
     "time.\n" LAB,
     integrator_options, sizeof(struct integrator_options), integrator_defaults, true,
     cmd_experiment_integrator},
    {"backtest", NULL, "DIR|EXPORT", 1, 1, "compare rules on recorded demonstrations",
     "DIR has files of demonstrations, also in subfolders; EXPORT is a file that `amf project\n"
     "export` wrote. Told is the squared error of a policy on recordings that no rule is given, 1\n"
     "being that of the mean action. No robot is run.\n" LAB,
     backtest_options, sizeof(struct backtest_options), backtest_defaults, true, cmd_backtest},
    {"simulate", NULL, "", 0, 0, "play a day of a fleet against the server, with recordings",
     "Operators ask, take their time, hand in; some skip, fail, give back, come late or never.\n"
     "Robots upload rollouts. Told is what a lead would look at, and whether all that the server\n"
     "acknowledged is there: exit code 1 where it is not, or a promise was broken. Needs an\n"
     "administrator's token; makes two of its own and revokes them.\n",
     simulate_options, sizeof(struct simulate_options), simulate_defaults, false, cmd_simulate},
    {"token", "create", "NAME", 1, 1, "make a token; its secret is told this once",
     "The secret goes to standard output, or into the file of --output. reader: reads everything;\n"
     "robot: uploads demonstrations too; operator: asks for tasks and completes them too; admin:\n"
     "everything.\n",
     token_create_options, sizeof(struct token_create_options), NULL, false, cmd_token_create},
    {"token", "list", "", 0, 0, "list the tokens, without their secrets", .run = cmd_token_list},
    {"token", "revoke", "NAME|ID", 1, 1, "refuse a token from now on", .run = cmd_token_revoke},
    {"server", "status", "", 0, 0,
     "tell how the server does: ready or why not, disk, queue, projects",
     "Exit code 0: ready, 1: not ready, 3: not there. Without a token only whether it is ready.\n",
     .run = cmd_server_status},
    {"server", "backup", "", 0, 0, "write a copy of everything on the server to one file",
     "The copy is of one moment and has all that was acknowledged before it; other work goes on\n"
     "meanwhile. To restore it, put it as amf.db into an empty directory and start amfd on that.\n"
     "Only the hashes of tokens are in it; the file admin.token is not.\n",
     backup_options, sizeof(struct backup_options), NULL, false, cmd_server_backup},
    {"server", "check", "DIR", 1, 1, "look through a data directory that no server has open",
     "Nothing in DIR is changed. Exit code 0: sound, 1: damaged, 4: it cannot be opened. Runs "
     "amfd,\n"
     "the one beside this program if there is one.\n",
     .local = true, .run = cmd_server_check},
    {"server", "purge", "DIR", 1, 1, "erase deleted projects for good, while no server runs",
     "Without --yes it tells what would go, and erases nothing. Nothing brings it back. Needs "
     "twice\n"
     "the size of the database beside it. Runs amfd, the one beside this program if there is "
     "one.\n",
     purge_options, sizeof(struct purge_options), NULL, true, cmd_server_purge},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

#define AT(member) offsetof(struct global_options, member)
const struct option global_options[] = {
    {"json", NULL, OPTION_FLAG, AT(json), "print the server's JSON unchanged"},
    {"url", "URL", OPTION_TEXT, AT(url), "the server, such as http://127.0.0.1:7667"},
    {"token-file", "FILE", OPTION_TEXT, AT(token_file), "file whose first line is the token"},
    {"ca-file", "FILE", OPTION_TEXT, AT(ca_file), "certificates to trust for https, as PEM"},
    {"help", NULL, OPTION_FLAG, AT(help), "print help and exit"},
    {"version", NULL, OPTION_FLAG, AT(version), "print the version and exit"},
    {NULL},
};
#undef AT
