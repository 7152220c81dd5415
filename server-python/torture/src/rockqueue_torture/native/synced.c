/*
 * Notes what a process has on disk for certain, so that a power cut can be played afterwards.
 *
 * Preloaded into a server, with ROCKQUEUE_SYNCED_ROOT (files below it are watched), ROCKQUEUE_SYNCED_JOURNAL (lines are
 * appended to it) and ROCKQUEUE_SYNCED_KEEP (a folder of the same file system, for files that a power cut brings back).
 *
 *   sync INODE SIZE          the file was synced when it had at least SIZE bytes
 *   dir PATH                 the folder was synced: its entries are on disk
 *   make INODE PATH          an entry was made, with a new file
 *   move INODE OLD NEW KEPT  an entry was renamed; KEPT is a link to what NEW was before, or -
 *   drop INODE PATH KEPT     an entry was removed; KEPT is a link to the file
 *
 * A size is taken before the call that syncs, so it is never too large. sync_file_range gives no promise and is not noted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next_symbol(#name))

static const char *root, *keep;
static size_t root_length;
static int journal = -1;
static atomic_ulong kept_files;

static void *next_symbol(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) {
    abort();
  }
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("ROCKQUEUE_SYNCED_JOURNAL");
  root = getenv("ROCKQUEUE_SYNCED_ROOT");
  keep = getenv("ROCKQUEUE_SYNCED_KEEP");
  if (path == NULL || root == NULL || keep == NULL) {
    return;
  }
  root_length = strlen(root);
  journal = NEXT(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int watched(const char *path) {
  return journal >= 0 && path != NULL && strncmp(path, root, root_length) == 0 &&
         (path[root_length] == '/' || path[root_length] == '\0');
}

static void note(const char *format, ...) {
  char line[3 * PATH_MAX];
  int before = errno;
  va_list rest;
  va_start(rest, format);
  int length = vsnprintf(line, sizeof line, format, rest);
  va_end(rest);
  if (length > 0 && (size_t)length < sizeof line) {
    ssize_t written = write(journal, line, (size_t)length);
    (void)written;
  }
  errno = before;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) {
    return 0;
  }
  path[length] = '\0';
  return watched(path);
}

/* A second link to a file that is about to lose its name; "-" where there is no such file. */
static void keep_file(const char *path, char *kept) {
  int before = errno;
  snprintf(kept, PATH_MAX, "%s/%d-%lu", keep, (int)getpid(), atomic_fetch_add(&kept_files, 1));
  if (linkat(AT_FDCWD, path, AT_FDCWD, kept, 0) != 0) {
    strcpy(kept, "-");
  }
  errno = before;
}

static int synced(int fd, int (*call)(int)) {
  char path[PATH_MAX];
  struct stat status;
  if (journal < 0 || !path_of(fd, path) || fstat(fd, &status) != 0) {
    return call(fd);
  }
  int result = call(fd);
  if (result == 0 && S_ISDIR(status.st_mode)) {
    note("dir %s\n", path);
  } else if (result == 0) {
    note("sync %lu %lld\n", (unsigned long)status.st_ino, (long long)status.st_size);
  }
  return result;
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

int msync(void *address, size_t length, int flags) {
  /* RocksDB maps no file for writing unless it is told to; should it ever, the cut must not be trusted. */
  note("mapped\n");
  return NEXT(msync)(address, length, flags);
}

/* Notes an entry that an open has just made. `there` tells whether it was there before. */
static int opened(int fd, const char *path, int there) {
  struct stat status;
  char full[PATH_MAX];
  if (fd >= 0 && !there && path_of(fd, full) && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    note("make %lu %s\n", (unsigned long)status.st_ino, full);
  }
  (void)path;
  return fd;
}

static int exists(int folder, const char *path) {
  int before = errno;
  int there = faccessat(folder, path, F_OK, 0) == 0;
  errno = before;
  return there;
}

#define MODE(flags, last)                                                                                                \
  mode_t mode = 0;                                                                                                       \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                                 \
    va_list rest;                                                                                                        \
    va_start(rest, last);                                                                                                \
    mode = va_arg(rest, mode_t);                                                                                         \
    va_end(rest);                                                                                                        \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, flags)
  int there = journal < 0 || !(flags & O_CREAT) || exists(AT_FDCWD, path);
  return opened(NEXT(open)(path, flags, mode), path, there);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, flags)
  int there = journal < 0 || !(flags & O_CREAT) || exists(AT_FDCWD, path);
  return opened(NEXT(open64)(path, flags, mode), path, there);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE(flags, flags)
  int there = journal < 0 || !(flags & O_CREAT) || exists(folder, path);
  return opened(NEXT(openat)(folder, path, flags, mode), path, there);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags, flags)
  int there = journal < 0 || !(flags & O_CREAT) || exists(folder, path);
  return opened(NEXT(openat64)(folder, path, flags, mode), path, there);
}

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int rename(const char *old_path, const char *new_path) {
  char kept[PATH_MAX] = "-";
  struct stat status;
  int watch = watched(new_path) && lstat(old_path, &status) == 0;
  if (watch) {
    keep_file(new_path, kept);
  }
  int result = NEXT(rename)(old_path, new_path);
  if (watch && result == 0) {
    note("move %lu %s %s %s\n", (unsigned long)status.st_ino, old_path, new_path, kept);
  }
  return result;
}

int renameat(int old_folder, const char *old_path, int new_folder, const char *new_path) {
  if (old_folder == AT_FDCWD && new_folder == AT_FDCWD) {
    return rename(old_path, new_path);
  }
  return NEXT(renameat)(old_folder, old_path, new_folder, new_path);
}

int unlink(const char *path) {
  char kept[PATH_MAX] = "-";
  struct stat status;
  int watch = watched(path) && lstat(path, &status) == 0 && S_ISREG(status.st_mode);
  if (watch) {
    keep_file(path, kept);
  }
  int result = NEXT(unlink)(path);
  if (watch && result == 0) {
    note("drop %lu %s %s\n", (unsigned long)status.st_ino, path, kept);
  }
  return result;
}
