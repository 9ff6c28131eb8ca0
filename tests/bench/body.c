/* Values are a slow walk with all the digits a double has, as json.dumps writes them. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"

#define DIM 7
#define DIGITS 9 /* of a body's number; it is the first state, 0.ddddddddd */

static const struct body_kind kinds[] = {
    {"json_16", 16, false, "Content-Type: application/json"},
    {"json_64k", 238, false, "Content-Type: application/json"},
    {"tensors_64k", 1165, true, "Content-Type: application/vnd.safetensors"},
    {"tensors_1m", 18720, true, "Content-Type: application/vnd.safetensors"},
};

const struct body_kind *body_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static double value_of(size_t table, size_t step, size_t column)
{
    return sin(0.01 * (double)step + (double)column + 2.5 * (double)table) / 1.7;
}

static void write_table(FILE *file, size_t table, size_t steps)
{
    for (size_t t = 0; t < steps; t++) {
        fputs(t ? ",[" : "[", file);
        for (size_t k = 0; k < DIM; k++)
            if (table == 0 && t == 0 && k == 0)
                fprintf(file, "0.%0*d", DIGITS, 0);
            else
                fprintf(file, "%s%.17g", k ? "," : "", value_of(table, t, k));
        fputc(']', file);
    }
}

static int make_json(const struct body_kind *kind, const char *task, struct body *body)
{
    FILE *file = open_memstream(&body->bytes, &body->length);

    if (!file)
        return -1;
    fprintf(file, "{\"task\":\"%s\",\"states\":[", task);
    write_table(file, 0, kind->steps);
    fputs("],\"actions\":[", file);
    write_table(file, 1, kind->steps);
    fputs("]}", file);
    if (fclose(file))
        return -1;
    body->mark = (size_t)(strchr(body->bytes, '.') + 1 - body->bytes);
    return 0;
}

static int make_tensors(const struct body_kind *kind, const char *task, struct body *body)
{
    size_t table = kind->steps * DIM * sizeof(float);
    FILE *file = open_memstream(&body->bytes, &body->length);
    char header[512];

    if (!file)
        return -1;
    int length = snprintf(
        header, sizeof(header),
        "{\"__metadata__\":{\"task\":\"%s\"},\"states\":{\"dtype\":\"F32\",\"shape\":[%zu,%d],"
        "\"data_offsets\":[0,%zu]},\"actions\":{\"dtype\":\"F32\",\"shape\":[%zu,%d],"
        "\"data_offsets\":[%zu,%zu]}}",
        task, kind->steps, DIM, table, kind->steps, DIM, table, 2 * table);
    uint64_t padded = ((uint64_t)length + 7) / 8 * 8;
    fwrite(&padded, sizeof(padded), 1, file);
    fprintf(file, "%-*s", (int)padded, header);
    for (size_t i = 0; i < 2; i++)
        for (size_t t = 0; t < kind->steps * DIM; t++) {
            float value = (float)value_of(i, t / DIM, t % DIM);

            fwrite(&value, sizeof(value), 1, file);
        }
    body->mark = 8 + padded;
    return fclose(file) ? -1 : 0;
}

int body_make(const struct body_kind *kind, const char *task, struct body *ret_body)
{
    ret_body->tensors = kind->tensors;
    return kind->tensors ? make_tensors(kind, task, ret_body) : make_json(kind, task, ret_body);
}

void body_number(struct body *body, size_t number)
{
    char digits[DIGITS + 12];
    float value = (float)number; /* exact up to 2^24 */

    if (body->tensors) {
        memcpy(body->bytes + body->mark, &value, sizeof(value));
        return;
    }
    snprintf(digits, sizeof(digits), "%0*zu", DIGITS, number);
    memcpy(body->bytes + body->mark, digits, DIGITS);
}

void body_deinit(struct body *body)
{
    free(body->bytes);
}
