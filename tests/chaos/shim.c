/* What a disk, a clock and a power supply can do to a program, put between it and libc (LD_PRELOAD).
 *
 * CHAOS_SHIM names a folder with two files: "control", a page that the suite writes and this code reads, and "undo",
 * where each write below CHAOS_FOLDER first leaves what it overwrites. After a power cut the suite puts back whatever
 * was not synced (power.py): the worst that a disk may do. A kill alone would lose nothing, for the kernel lives on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int32_t full;       /* writes fail: no space is left */
    volatile int32_t unsyncable; /* syncs fail */
    volatile int32_t record;     /* keep what is overwritten until it is synced */
    volatile int32_t kill_write; /* counted down by each write to a file of a database; killed before the one that ends it */
    volatile int32_t kill_sync;  /* likewise by syncs */
    volatile int32_t kill_after; /* the sync is done before the kill */
    volatile int64_t ahead;      /* seconds the wall clock is wrong */
};

struct record {
    uint64_t inode;
    int64_t offset, size; /* offset -1: all before this is on the disk; size: of the file before */
    uint64_t length;      /* of the overwritten bytes that follow */
};

static struct control *control;
static char folder[4096];
static size_t folder_length;
static int undo = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *found(void **slot, const char *name) {
    if (!*slot) *slot = dlsym(RTLD_NEXT, name);
    return *slot;
}

#define REAL(name) ((__typeof__(real_##name))found((void **)&real_##name, #name))

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);

__attribute__((constructor)) static void begin(void) {
    const char *desk = getenv("CHAOS_SHIM"), *watched = getenv("CHAOS_FOLDER");
    char path[4096];
    if (!desk || !watched) return;
    snprintf(path, sizeof path, "%s/control", desk);
    int page = open(path, O_RDONLY | O_CLOEXEC);
    if (page < 0) return;
    void *found = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, page, 0);
    close(page);
    snprintf(path, sizeof path, "%s/undo", desk);
    int book = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    undo = fcntl(book, F_DUPFD_CLOEXEC, 700); /* out of the way of whoever expects small numbers */
    close(book);
    folder_length = strlen(strncpy(folder, watched, sizeof folder - 1));
    if (found != MAP_FAILED) control = found;
}

static int watched(int fd, int *of_database) {
    char name[64], path[4096];
    if (!control || fd < 3) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < (ssize_t)folder_length || strncmp(path, folder, folder_length)) return 0;
    path[length] = 0;
    if (of_database) *of_database = strstr(path, ".db") && !strstr(path, "-shm") && !strstr(path, ".lock");
    return 1;
}

/* Counters belong to the process: the page says at which number to fall, and is written before a process starts. */
static int32_t writes, syncs;

static void fall(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static void note(int fd, off_t offset, size_t length) {
    struct stat now;
    if (!control->record || fstat(fd, &now) || !S_ISREG(now.st_mode)) return;
    off_t end = offset + (off_t)length;
    if (end > now.st_size) end = now.st_size;
    size_t kept = end > offset ? (size_t)(end - offset) : 0;
    char *old = malloc(kept + 1);
    if (kept) {
        char name[64]; /* the program's own descriptor may be open for writing alone */
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        int again = open(name, O_RDONLY | O_CLOEXEC);
        if (again < 0 || syscall(SYS_pread64, again, old, kept, offset) != (ssize_t)kept) kept = 0;
        if (again >= 0) syscall(SYS_close, again);
    }
    struct record record = {now.st_ino, offset, now.st_size, kept};
    struct iovec parts[2] = {{&record, sizeof record}, {old, kept}};
    syscall(SYS_writev, undo, parts, 2);
    free(old);
}

static ssize_t written(int fd, const void *data, size_t length, off_t offset) {
    int of_database = 0;
    if (!watched(fd, &of_database)) return -2;
    if (of_database && control->kill_write && ++writes == control->kill_write) fall();
    if (control->full) { errno = ENOSPC; return -1; }
    note(fd, offset, length);
    return 0;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    pthread_mutex_lock(&turn);
    ssize_t done = written(fd, data, length, offset);
    if (done != -1) done = REAL(pwrite)(fd, data, length, offset);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    if (!control || fd < 3) return REAL(write)(fd, data, length);
    struct stat now;
    if (fstat(fd, &now) || !S_ISREG(now.st_mode)) return REAL(write)(fd, data, length);
    pthread_mutex_lock(&turn);
    ssize_t done = written(fd, data, length, fcntl(fd, F_GETFL) & O_APPEND ? now.st_size : lseek(fd, 0, SEEK_CUR));
    if (done != -1) done = REAL(write)(fd, data, length);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t length) {
    pthread_mutex_lock(&turn);
    struct stat now;
    if (watched(fd, NULL) && !fstat(fd, &now)) note(fd, length, now.st_size > length ? now.st_size - length : 0);
    int done = REAL(ftruncate)(fd, length);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

static int synced(int fd, int (*sync)(int)) {
    int of_database = 0;
    if (!watched(fd, &of_database)) return sync(fd);
    pthread_mutex_lock(&turn);
    int falls = of_database && control->kill_sync && ++syncs == control->kill_sync, done = -1;
    if (falls && !control->kill_after) fall();
    if (control->unsyncable) errno = EIO;
    else done = sync(fd);
    struct stat now;
    if (!done && control->record && !fstat(fd, &now)) {
        struct record record = {now.st_ino, -1, now.st_size, 0};
        syscall(SYS_write, undo, &record, sizeof record);
    }
    if (falls) fall();
    pthread_mutex_unlock(&turn);
    return done;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = REAL(clock_gettime)(clock, now);
    if (!done && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += control->ahead;
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    int done = REAL(gettimeofday)(now, zone);
    if (!done && control) now->tv_sec += control->ahead;
    return done;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
