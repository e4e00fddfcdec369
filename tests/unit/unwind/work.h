/*
 * What is sampled: programs in miniature, each with something that breaks unwinders. Built with -O2
 * and without frame pointers.
 */
#ifndef SONDE_TESTS_WORK_H
#define SONDE_TESTS_WORK_H

#ifdef __cplusplus
extern "C" {
#endif

void work_recurse(void *arg);	  /* 40 deep, leaves in qsort, memcpy, snprintf */
void work_malloc(void *arg);	  /* malloc, calloc, realloc, free of many sizes */
void work_longjmp(void *arg);	  /* out of ten frames, again and again */
void work_altstack(void *arg);	  /* inside a handler on an alternate signal stack */
void work_swapcontext(void *arg); /* on two stacks made by makecontext */
void work_vla(void *arg);	  /* alloca, aligned locals: frames on rbp and on DRAP */
void work_lazy(void *arg);	  /* calls bound by the loader, on the way through it */
void work_dlopen(void *arg);	  /* through the module named by `arg`, loaded after start */
void work_throw(void *arg);	  /* C++ exceptions through ten frames with destructors */

#ifdef __cplusplus
}
#endif

#endif
