/* libmicrohttpd with nothing behind it: answers every request with the bytes of a file, in the
 * library's fastest mode. The ceiling of `poll`.
 *
 *     bench_bare FILE        until its input ends; prints http://127.0.0.1:PORT
 */
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <microhttpd.h>

#define BODY_MAX_BYTES (1 << 20)
#define THREADS 2

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **context)
{
    static int seen; /* its address alone is used: the request's head has been there */

    (void)url;
    (void)method;
    (void)version;
    (void)upload_data;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, arg);
}

int main(int argc, char **argv)
{
    char *body = malloc(BODY_MAX_BYTES);
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Response *response;
    struct MHD_Daemon *daemon;
    size_t length;

    if (!file || !body) {
        fprintf(stderr, "usage: bench_bare FILE\n");
        return 2;
    }
    length = fread(body, 1, BODY_MAX_BYTES, file);
    fclose(file);
    response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, response,
                              MHD_OPTION_THREAD_POOL_SIZE, THREADS, MHD_OPTION_SOCK_ADDR, &address,
                              MHD_OPTION_END);
    if (!daemon)
        return 1;
    printf("http://127.0.0.1:%u\n",
           (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
