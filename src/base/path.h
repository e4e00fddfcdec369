/*
 * Slash-separated paths as Go's path/filepath treats them on Unix: purely lexical, no file is
 * looked at. Each function replaces or appends to a buffer of the caller's.
 */
#ifndef SONDE_BASE_PATH_H
#define SONDE_BASE_PATH_H

/* Appends the shortest equivalent of path (filepath.Clean): "a//b/../c/." is "a/c", "" is ".". */
void path_clean(struct buf *out, const char *path);
/* Appends the last element (filepath.Base): "" is ".", "/" is "/", "a/b/" is "b". */
void path_base(struct buf *out, const char *path);
/* Appends all but the last element, cleaned (filepath.Dir): "a" is ".". */
void path_dir(struct buf *out, const char *path);
/* Appends the n elements joined by '/' and cleaned, empty ones left out (filepath.Join). */
void path_join(struct buf *out, const char *const *elements, size_t n);

#endif
