/* JSON <-> struct, driven by tables: one row a field, used by server and client alike.
 *
 * A struct proto_shape lists the fields of one struct in wire order. Decoding refuses unknown and
 * duplicate fields, wrong types, numbers out of range and non-finite numbers, and names the JSON
 * pointer (RFC 6901) at fault. A field that is absent leaves the member as it was: fill in defaults
 * (or, for a PATCH, today's values) before decoding. Strings and arrays are allocated in the arena.
 *
 * Text in and out is UTF-8 JSON. Reals are written with as few digits as bring the same double back
 * (15 to 17, -0.0 included), so a double survives the round trip bit for bit. Equal structs give
 * equal bytes. Nothing here keeps a pointer to its input text. Assumes LC_NUMERIC "C", as a process
 * starts.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <proto/arena.h>
#include <proto/error.h>

#define PROTO_INT_NULL INT64_MIN       /* a nullable PROTO_INT that is null */
#define PROTO_INT_AUTO (INT64_MIN + 1) /* a PROTO_INT with PROTO_AUTO that says "auto" */
/* A nullable PROTO_REAL that is null holds NaN. Null strings, objects and lists hold NULL. */

struct proto_strings {
    const char **items;
    size_t count;
};

static inline bool proto_strings_have(const struct proto_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (!strcmp(strings->items[i], text))
            return true;
    return false;
}

struct proto_reals {
    double *items; /* NULL with count 0: null or empty */
    size_t count;
};

struct proto_matrix {
    double *data; /* rows x cols, row-major, no padding */
    size_t rows, cols;
};

struct proto_list {
    void *items; /* count structs of the field's shape */
    size_t count;
};

/* A length scale: one number for all dimensions, one per dimension, or how to find it. */
enum proto_scale_kind { PROTO_SCALE_VALUES, PROTO_SCALE_MEDIAN, PROTO_SCALE_MARGINAL_LIKELIHOOD };
struct proto_scale {
    enum proto_scale_kind kind;
    struct proto_reals values; /* count 1: shared */
    bool scalar;               /* values came as (and go out as) a bare number */
};

enum proto_type {
    PROTO_STRING,  /* const char * */
    PROTO_BOOL,    /* bool */
    PROTO_INT,     /* int64_t */
    PROTO_REAL,    /* double */
    PROTO_ENUM,    /* int: index into names; strings on the wire */
    PROTO_STRINGS, /* struct proto_strings */
    PROTO_REALS,   /* struct proto_reals */
    PROTO_MATRIX,  /* struct proto_matrix; list of equally long lists */
    PROTO_SCALE,   /* struct proto_scale */
    PROTO_OBJECT,  /* struct in place */
    PROTO_POINTER, /* struct X *, NULL when absent or null */
    PROTO_LIST,    /* struct proto_list of structs */
    PROTO_JSON     /* const char *: a JSON object kept as compact text */
};

enum proto_flag {
    PROTO_REQUIRED =
        1, /* must be in the text, unless its member was filled in (not all zero) before */
    PROTO_NULLABLE = 2,    /* null is a value */
    PROTO_AUTO = 4,        /* PROTO_INT: "auto" is a value */
    PROTO_READ_ONLY = 8,   /* the server's to say: refused in requests, written in answers */
    PROTO_WRITE_ONLY = 16, /* read in requests, never written */
    PROTO_OMIT_NULL = 32,  /* left out of the text when null, instead of "field": null */
    PROTO_KEY = 64, /* STRING, STRINGS: 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first */
    PROTO_NOT_EMPTY = 128, /* STRING, STRINGS: no "" */
    PROTO_BELOW_MAX = 256  /* numbers: max itself is out of range */
};

#define PROTO_KEY_MAX_BYTES 64
bool proto_key_valid(const char *text); /* as PROTO_KEY says */
#define PROTO_TEXT_MAX_BYTES 4096       /* a string or list whose max_length is 0 */
#define PROTO_INT_MAX 9007199254740991  /* 2^53 - 1: what every JSON reader keeps exactly */

struct proto_shape;

struct proto_field {
    const char *name;
    enum proto_type type;
    size_t offset;
    unsigned flags;
    /* INT, REAL, elements of REALS, MATRIX and SCALE; used when min < max. An INT without a range
     * is held to +-PROTO_INT_MAX. */
    double min, max;
    /* bytes of a string or of JSON text, items of a list, rows of a matrix (columns: 4096); 0:
     * 4096. ENUM: how many of the names decoding accepts; 0: all */
    size_t max_length;
    const char *const *names;        /* ENUM: NULL-terminated */
    const struct proto_shape *shape; /* OBJECT, POINTER, LIST */
};

struct proto_shape {
    const char *name; /* as in openapi.yaml */
    size_t size;      /* sizeof the struct; list stride */
    const struct proto_field *fields;
    size_t field_count;
    /* Called on list items and pointed-to structs before decoding; may be NULL. */
    void (*set_defaults)(void *object);
    /* What no field can tell alone. Called after a request (not what a server said) has been
     * decoded; error->at is relative to the object. May be NULL. */
    enum proto_code (*check)(const void *object, struct proto_error *ret_error);
};

/* Limits of any JSON text: see src/json.h, which says why they are what they are.
 * PROTO_CODE_OK, PROTO_CODE_MALFORMED_JSON (not JSON; NaN, Infinity and 1e400 are not),
 * INVALID_FIELD, UNKNOWN_FIELD, MISSING_FIELD, NO_MEMORY, or what a shape's check says. *object may
 * be half-filled on failure. from_server (the client's side, and the event log): READ_ONLY fields
 * are accepted, and unknown ones skipped, because a newer server may say more; the shapes' checks
 * are not run. */
__attribute__((warn_unused_result)) enum proto_code
proto_decode(const struct proto_shape *shape, const char *text, size_t length, bool from_server,
             struct proto_arena *arena, void *object, struct proto_error *ret_error);

/* *ret_text is malloc'ed, NUL-terminated, without trailing newline. 0; -1 out of memory; 1: the
 * struct cannot be said in JSON: a real that is not finite (NaN in a nullable one is
 * null), a NULL string that is not nullable, text that is not UTF-8, an enum out of range. */
__attribute__((warn_unused_result)) int proto_encode(const struct proto_shape *shape,
                                                     const void *object, char **ret_text,
                                                     size_t *ret_length);

/* Deep copy of a struct into an arena: what a view keeps of a decoded message. Members that the
 * shape does not name are zero in the copy (a summary's states). -1: out of memory. */
__attribute__((warn_unused_result)) int proto_copy(const struct proto_shape *shape,
                                                   const void *object, struct proto_arena *arena,
                                                   void *ret_object);

#endif
