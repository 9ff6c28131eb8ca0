/* amf.db-wal is looked through before SQLite reads it.
 *
 * Where a frame's checksum is wrong SQLite takes the log to end: it must be what a crash tore. A
 * bit that turned in the middle looks the same and would silently take every later commit with it.
 * The two can be told apart: each commit is synced before the next is written, so a crash tears the
 * last transaction only. A frame that continues behind the commit of a torn one proves that the
 * commit was whole, and the log is damaged. What is left of an earlier, longer log does not
 * continue it: frames are chained by their checksums.
 *
 * Damage to the last transaction alone cannot be told from a crash that tore it.
 *
 * The format is SQLite's ("WAL File Format"): a head of 32 bytes, then frames of a head of 24 and a
 * page; big-endian numbers; checksums over pairs of 32-bit words in the byte order the magic names.
 */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 32, FRAME_HEAD_BYTES = 24, SALT_BYTES = 8 };

struct sum {
    uint32_t a, b;
};

struct log {
    int fd;
    size_t page_bytes;
    bool big_endian;
    unsigned char salts[SALT_BYTES];
    unsigned char *frame; /* the one being looked at */
};

static uint32_t number_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t word_at(const struct log *log, const unsigned char *bytes)
{
    uint32_t number = number_at(bytes);
    return log->big_endian ? number : __builtin_bswap32(number);
}

static struct sum sum_add(const struct log *log, struct sum sum, const unsigned char *bytes,
                          size_t length)
{
    for (size_t i = 0; i < length; i += 8) {
        sum.a += word_at(log, bytes + i) + sum.b;
        sum.b += word_at(log, bytes + i + 4) + sum.a;
    }
    return sum;
}

static bool sum_is_at(struct sum sum, const unsigned char *bytes)
{
    return sum.a == number_at(bytes) && sum.b == number_at(bytes + 4);
}

static struct sum sum_at(const unsigned char *bytes)
{
    return (struct sum){number_at(bytes), number_at(bytes + 4)};
}

/* A head of zeros was never synced: no frame behind it was, either. */
static bool is_blank(const unsigned char *head)
{
    for (size_t i = 0; i < HEAD_BYTES; i++)
        if (head[i])
            return false;
    return true;
}

static bool head_read(struct log *log, const unsigned char *head, struct sum *ret_sum)
{
    uint32_t magic = number_at(head), page_bytes = number_at(head + 8);
    log->big_endian = magic & 1;
    if ((magic & ~1u) != 0x377f0682 || page_bytes < 512 || page_bytes > 65536 ||
        (page_bytes & (page_bytes - 1)))
        return false;
    log->page_bytes = page_bytes;
    memcpy(log->salts, head + 16, SALT_BYTES);
    *ret_sum = sum_add(log, (struct sum){0, 0}, head, 24);
    return sum_is_at(*ret_sum, head + 24);
}

/* 1 read, 0 the log ends, -1 with errno */
static int frame_read(const struct log *log, size_t number)
{
    size_t bytes = FRAME_HEAD_BYTES + log->page_bytes;
    ssize_t got = pread(log->fd, log->frame, bytes, (off_t)(HEAD_BYTES + number * bytes));
    return got < 0 ? -1 : (size_t)got == bytes;
}

static struct sum frame_sum(const struct log *log, struct sum before)
{
    before = sum_add(log, before, log->frame, 8);
    return sum_add(log, before, log->frame + FRAME_HEAD_BYTES, log->page_bytes);
}

/* 0, 1 damaged, -1 with errno. sum: of the head. The damage may be in a checksum itself, so behind
 * it a frame may follow from the one stored before it or from the one that should be there.
 * *ret_pages: the most that the database had at a commit before any damage; VACUUM leaves fewer. */
static int frames_check(const struct log *log, struct sum sum, uint32_t *ret_pages)
{
    const unsigned char *head = log->frame;
    struct sum stored = sum, computed = sum;
    bool torn = false, committed = false;
    int rc;
    for (size_t number = 0; (rc = frame_read(log, number)) > 0; number++) {
        bool ours = memcmp(head + 8, log->salts, SALT_BYTES) == 0 && number_at(head) != 0;
        sum = frame_sum(log, stored);
        bool matches =
            sum_is_at(sum, head + 16) || (torn && sum_is_at(frame_sum(log, computed), head + 16));
        if (torn && committed && ours && matches)
            return 1;
        torn = torn || !ours || !matches;
        committed = number_at(head + 4) != 0 && (ours || matches);
        if (committed && !torn && number_at(head + 4) > *ret_pages)
            *ret_pages = number_at(head + 4);
        stored = sum_at(head + 16);
        computed = sum;
    }
    return rc;
}

int store_log_check(int fd, struct store_wal *ret_log, char ret_error[STORE_ERROR_BYTES])
{
    struct log log = {.fd = fd};
    uint32_t pages = 0;
    unsigned char head[HEAD_BYTES];
    struct sum sum;
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t got = pread(fd, head, sizeof(head), 0);
    if (size < 0 || got < 0) {
        store_error_set(ret_error, "amf.db-wal cannot be read: %s", strerror(errno));
        return STORE_INVALID;
    }
    if (size <= HEAD_BYTES || is_blank(head))
        return STORE_OK;
    ret_log->used = true;
    int rc = 1;
    if (head_read(&log, head, &sum)) {
        log.frame = malloc(FRAME_HEAD_BYTES + log.page_bytes);
        if (!log.frame) {
            store_error_set(ret_error, "out of memory");
            return STORE_NO_MEMORY;
        }
        rc = frames_check(&log, sum, &pages);
        free(log.frame);
    }
    if (rc < 0)
        store_error_set(ret_error, "amf.db-wal cannot be read: %s", strerror(errno));
    if (rc > 0)
        store_error_set(ret_error, "amf.db-wal is damaged: commits behind the damage would be "
                                   "lost; put a backup in place");
    ret_log->database_bytes = (uint64_t)pages * log.page_bytes;
    return rc ? STORE_CORRUPT : STORE_OK;
}
