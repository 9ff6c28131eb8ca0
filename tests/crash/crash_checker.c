/* Opens the store as the daemon would after a crash and prints what is there, one line an event, in
 * the form crash_writer promises: PROJECT SEQ CHECKSUM.
 *
 *     crash_checker DIR [hold]
 *
 * With hold it then prints an empty line and keeps the store open until it is killed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <store/store.h>

#include "fixture.h"

static int print_event(const struct store_event *event, void *arg)
{
    (void)arg;
    printf("%s %" PRId64 " %016" PRIx64 "\n", event->project, event->seq,
           fixture_checksum(event->blob, event->blob_bytes));
    return 0;
}

int main(int argc, char **argv)
{
    char error[256] = "";
    struct store *store = NULL;
    bool hold = argc == 3 && strcmp(argv[2], "hold") == 0;
    if (argc != 2 && !hold) {
        fprintf(stderr, "usage: crash_checker DIR [hold]\n");
        return 2;
    }
    if (store_open(argv[1], &store, error)) {
        fprintf(stderr, "crash_checker: %s\n", error);
        return 1;
    }
    int status = store_read_events(store, NULL, 0, true, print_event, NULL);
    if (!status && hold) {
        printf("\n");
        fflush(stdout);
        pause();
    }
    store_close(store);
    return status ? 1 : 0;
}
