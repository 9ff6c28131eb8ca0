/* The administrator's token, in a file that only the daemon's user can read. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

enum { TOKEN_BYTES = 256 }; /* an owner may have written a longer one than ours */

/* Reads DIR/admin.token; makes one (mode 0600, 256 random bits) when there is none. 0, or -1 with a
 * line in ret_error. A file that others can read is refused. */
int token_load(const char *dir, char ret_token[TOKEN_BYTES], char ret_error[256]);

#endif
