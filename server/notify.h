/* What a service manager is told: systemd's protocol of sd_notify(3), without its library. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* state: lines such as "READY=1". Nothing happens without NOTIFY_SOCKET in the environment, and a
 * manager that does not listen is no error. */
void notify_manager(const char *state);

#endif
