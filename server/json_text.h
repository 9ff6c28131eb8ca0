/* A text as JSON writes it, quotes included. */
#ifndef SERVER_JSON_TEXT_H
#define SERVER_JSON_TEXT_H

#include <stdio.h>

void json_text_put(FILE *out, const char *text);

#endif
