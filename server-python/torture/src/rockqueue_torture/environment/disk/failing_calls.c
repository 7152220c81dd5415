// Makes chosen system calls on files below a directory fail, to see what a program makes of a disk that does.
//
// Preload it, and set
//   ROCKQUEUE_FAULT_BELOW   the directory, an absolute path
//   ROCKQUEUE_FAULT_CALL    "sync" (fsync, fdatasync, sync_file_range) or "write" (write, pwrite, writev)
//   ROCKQUEUE_FAULT_AT      the first call that fails, from 1; 0 for none: calls are only counted
//   ROCKQUEUE_FAULT_TIMES   how many calls fail from there on; 0 for all
//   ROCKQUEUE_FAULT_ERRNO   with which error
//   ROCKQUEUE_FAULT_DIARY   a file that gets a byte for each call: '.' for one that was let through, 'F' for one that failed
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { SYNC, WRITE };

static char below[PATH_MAX];
static size_t below_length;
static enum call chosen;
static long first, last;
static int error_number;
static int diary = -1;
static atomic_long calls;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void read_settings(void) {
  const char *directory = getenv("ROCKQUEUE_FAULT_BELOW");
  const char *call = getenv("ROCKQUEUE_FAULT_CALL");
  const char *path = getenv("ROCKQUEUE_FAULT_DIARY");
  if (!directory || !call) return;
  below_length = strlen(directory);
  if (below_length >= sizeof below) abort();
  memcpy(below, directory, below_length + 1);
  chosen = strcmp(call, "sync") ? WRITE : SYNC;
  first = number("ROCKQUEUE_FAULT_AT");
  long times = number("ROCKQUEUE_FAULT_TIMES");
  last = times ? first + times - 1 : LONG_MAX;
  error_number = (int)number("ROCKQUEUE_FAULT_ERRNO");
  if (path) diary = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_below(int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  return length >= (ssize_t)below_length && !memcmp(path, below, below_length);
}

// Whether this call has to fail; errno is set then.
static int fails(enum call call, int fd) {
  int kept = errno;
  if (!below_length || call != chosen || !is_below(fd)) {
    errno = kept;
    return 0;
  }
  long at = atomic_fetch_add(&calls, 1) + 1;
  int failing = first && at >= first && at <= last;
  if (diary >= 0) syscall(SYS_write, diary, failing ? "F" : ".", 1);
  errno = failing ? error_number : kept;
  return failing;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) {
  REAL(fsync);
  return fails(SYNC, fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return fails(SYNC, fd) ? -1 : real(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
  REAL(sync_file_range);
  return fails(SYNC, fd) ? -1 : real(fd, offset, count, flags);
}

ssize_t write(int fd, const void *data, size_t count) {
  REAL(write);
  return fails(WRITE, fd) ? -1 : real(fd, data, count);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) {
  REAL(pwrite);
  return fails(WRITE, fd) ? -1 : real(fd, data, count, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
  REAL(pwrite64);
  return fails(WRITE, fd) ? -1 : real(fd, data, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  return fails(WRITE, fd) ? -1 : real(fd, parts, count);
}
