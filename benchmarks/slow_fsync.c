/* Makes every fsync take longer, as on a network volume: compiled by the benchmark and put before any server alike.
 *
 *     cc -shared -fPIC -o slow_fsync.so slow_fsync.c -ldl
 *     SLOW_FSYNC_US=5000 LD_PRELOAD=./slow_fsync.so python ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_little(void) {
    const char *microseconds = getenv("SLOW_FSYNC_US");
    if (microseconds) usleep((useconds_t)atoi(microseconds));
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_little();
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_little();
    return real(fd);
}
