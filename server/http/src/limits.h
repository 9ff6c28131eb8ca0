/* Every cap of the HTTP side with its reason. Documentation and tests read the numbers from here.
 */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

/* A path has at most seven segments and an id at most 64 bytes; the rest is room for a cursor. */
#define HTTP_URI_MAX_BYTES 2048
/* A browser sends about 20; more is a way to make the guard and the logs slow. */
#define HTTP_HEADERS_MAX 64
/* All Accept lines of a request together; browsers send about 150 bytes. */
#define HTTP_ACCEPT_MAX_BYTES 512
/* Ours are 65 characters; what an owner writes into admin.token may be longer. */
#define HTTP_TOKEN_MAX_BYTES 512
#define HTTP_KEY_MAX_BYTES 64 /* Idempotency-Key: a UUID, or a word with a date */

/* A JSON value costs up to 80 times its text in memory, so big numeric data travels as tensors. */
#define HTTP_JSON_MAX_BYTES (1u << 20)
/* Bodies decoded at once, and the size up to which a body need not wait for that: so the worst that
 * all connections together can ask for is 4 x 45 MiB and 512 x 4 KiB x 80. A body takes some 50 ms.
 */
#define HTTP_DECODING_MAX 4
#define HTTP_DECODING_FREE_BYTES 4096
/* 64 MiB of F32 are 16 million numbers: a day of one robot at 10 Hz and 20 dimensions. */
#define HTTP_TENSORS_MAX_BYTES (64u << 20)
/* A project of 100,000 demonstrations of 1,000 steps and 20 dimensions has 16 GB. It goes through a
 * file, so this bounds the disk, not memory. */
#define HTTP_ARCHIVE_MAX_BYTES (16ull << 30)
/* Imports at once. Each may fill a disk for hours, and robots need that disk: beyond it 503. */
#define HTTP_ARCHIVES_MAX 2
/* An archive lies in the spool while its content goes into the database: room for both. */
#define HTTP_ARCHIVE_DISK_FACTOR 2
/* What an archive leaves free besides, so that others can write while it comes: four of the largest
 * uploads. Of a small disk it is the sixteenth part. */
#define HTTP_ARCHIVE_DISK_KEPT_BYTES (256ull << 20)
#define HTTP_ARCHIVE_DISK_KEPT_PART 16
/* One piece of a streamed answer. */
#define HTTP_STREAM_PIECE_BYTES (64u << 10)
/* What is read and thrown away of a refused body: all of an honest one, so that a client that sends
 * first and listens later sees its refusal instead of a reset. */
#define HTTP_DRAIN_MAX_BYTES HTTP_TENSORS_MAX_BYTES
/* Bodies of all requests under way together: eight of the largest. Beyond it: 503, come back. */
#define HTTP_BODIES_MAX_BYTES (512u << 20)
/* Of it, what bodies over HTTP_JSON_MAX_BYTES leave to the others: uploads that fill the rest must
 * not keep tasks from being asked for and completed. 64 JSON bodies of the largest size. */
#define HTTP_BODIES_KEPT_BYTES (64u << 20)
/* What bodies with one token may take: half, four of the largest, so that one robot gone wild, or
 * one token that leaked, leaves the other half to everybody else. */
#define HTTP_BODIES_TOKEN_MAX_BYTES (HTTP_BODIES_MAX_BYTES / 2)
/* Bodies up to this are not counted, so that an ask finds room whatever goes on: all connections
 * together make 2 MiB of them. */
#define HTTP_BODY_FREE_BYTES 4096
/* A decoded request and its answer, without the numbers of an upload: 200,000 JSON values. */
#define HTTP_ARENA_MAX_BYTES (320u << 20)

/* One thread each, with a 2 MiB stack of which little is ever touched. */
#define HTTP_CONNECTIONS_MAX 512
#define HTTP_STACK_BYTES (2u << 20)
/* On one machine, or behind a proxy, all clients have one address, and that is the normal case of
 * this product. So one address may hold nearly everything, but not the last 64: a client gone
 * wild does not shut out the rest of the network. Slow ones are the reaper's business. */
#define HTTP_CONNECTIONS_KEPT 64
/* Requests that wait (long polls, followers of events) have no thread; http_config.waiting_max says
 * how many there may be. Of those, too, one address may not have the last few. */
#define HTTP_WAITING_KEPT 64
/* Over TLS they do have a thread, and a connection: half of the connections stay for the others. */
#define HTTP_HELD_MAX 256
#define HTTP_WAITING_PERIOD_MS 100 /* how often their deadlines are looked at */
#define HTTP_WAITING_ADMIT_MS 500  /* and their tokens, each time anew */
/* After a pass through all that wait the thread rests as long as it took, at most this. */
#define HTTP_WAITING_REST_MAX_MS 50
/* What the kernel keeps (twice that) for one that is slow to read; by itself it keeps up to 4 MiB.
 */
#define HTTP_WAITING_SEND_BYTES (64 << 10)
/* Who waits has nothing to say; a client that talks on is cut. */
#define HTTP_WAITING_HEARD_MAX_BYTES 65536
#define HTTP_LINGER_MS 500 /* what a client has to close its side after the last answer */
/* Proxies end what has been silent for 30 to 60 s. */
#define HTTP_HEARTBEAT_MS 15000
/* A server that comes back after a restart is not met by all its followers at once. */
#define HTTP_RETRY_MIN_MS 1000
#define HTTP_RETRY_SPREAD_MS 2000

/* Descriptors that connections may never take: the database, its log, the listening sockets. */
#define HTTP_DESCRIPTORS_RESERVED 64
#define HTTP_BACKLOG 1024
/* Connections that were told 503 and may still read it; then the oldest is closed. */
#define HTTP_TURNED_AWAY_MAX 16
#define HTTP_TURNED_AWAY_MAX_MS 1000
#define HTTP_ACCEPTOR_PERIOD_MS 100
/* Bounds the header block of a request (431 beyond) and what one read of a body can bring. */
#define HTTP_CONNECTION_MEMORY_BYTES 65536
#define HTTP_CONNECTION_MEMORY_STEP_BYTES 8192

/* A chain of certificates has a few; a file beyond this is not one. */
#define HTTP_TLS_FILE_MAX_BYTES (256 << 10)

/* Renewed certificates whose connections have not all ended; more is somebody's loop. */
#define HTTP_RETIRED_MAX 8

/* Deadlines of the reaper; see connections.h. */
#define HTTP_IDLE_MAX_MS 15000    /* keep-alive, or a TLS handshake: until the request line is in */
#define HTTP_HEADERS_MAX_MS 10000 /* from the request line to the end of the headers */
#define HTTP_TRANSFER_MAX_MS 15000   /* a body or an answer, plus its size at the rate below */
#define HTTP_TRANSFER_MIN_RATE 65536 /* bytes a second; slower than any working radio link */
#define HTTP_REAPER_PERIOD_MS 250
/* A stop gives a busy client's next request the time to arrive, and its answer the chance to say
 * "Connection: close", before it ends connections that have nothing to say. */
#define HTTP_DRAIN_GRACE_MS 500
#define HTTP_DRAIN_MAX_MS 10000 /* what a graceful stop waits for requests under way */

/* Wrong tokens from one address: somebody mistypes a few times; more in a minute is a program. */
#define HTTP_FAILURES_MAX 10
#define HTTP_FAILURE_PERIOD_MS 60000
/* Addresses remembered for it, 32 bytes each: more than a network of robots has. */
#define HTTP_FAILURE_ADDRESSES_MAX 1024

/* Query parameters. A wait longer than 30 s outlives the patience of proxies in between. */
#define HTTP_WAIT_MAX_S 30
#define HTTP_LIMIT_DEFAULT 100
#define HTTP_LIMIT_MAX 500
#define HTTP_CURSOR_MAX_BYTES 256

/* Replies kept for Idempotency-Key live at least a day: longer than any client retries. */
#define HTTP_REPLY_KEPT_MS (24 * 3600 * 1000LL)
#define HTTP_REPLY_EXPIRE_PERIOD_MS (600 * 1000LL)

#endif
