/* KEY=VALUE words to members of a project. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <proto/wire.h>

/* Fills the members that the words name, and lists their paths in *ret_fields (in the arena). 0;
 * -1: a word that cannot be used, ret_error says which and why. */
__attribute__((warn_unused_result)) int settings_apply(const char *const *words, size_t count,
                                                       struct proto_arena *arena,
                                                       struct proto_project *project,
                                                       struct proto_strings *ret_fields,
                                                       char ret_error[512]);

#endif
