/*
 * dlopen, dlmopen, dlsym, dlclose: so that tables follow what is loaded.
 *
 * dlopen and dlsym look at their return address: it says whose RUNPATH, namespace and place in the
 * search order they work for. A hook that calls them makes every caller look like libsonde, which
 * breaks $ORIGIN and RTLD_NEXT (sanitizers' dlopen has that fault). So these three hooks are a few
 * instructions each that ask C code where to go and then jump there, the return address
 * untouched. The price is that nothing of ours runs after dlopen: it leaves a note, and the next
 * hook that is passed, mostly the dlsym that fetches the new library's entry point, brings the
 * tables up to date. dlclose does not look, and is called.
 */
#include "agent/hooks/dl.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"

#include <dlfcn.h>

#if defined(__x86_64__)
/* Six integer arguments are kept; the C code gets an aligned stack. */
#define TAIL_HOOK(name, where)                                                                 \
	__asm__(".text\n.globl " #name "\n.type " #name ",@function\n.p2align 4\n" #name ":\n" \
		".cfi_startproc\n"                                                             \
		"push %rdi\n.cfi_adjust_cfa_offset 8\npush %rsi\n.cfi_adjust_cfa_offset 8\n"   \
		"push %rdx\n.cfi_adjust_cfa_offset 8\npush %rcx\n.cfi_adjust_cfa_offset 8\n"   \
		"push %r8\n.cfi_adjust_cfa_offset 8\n"                                         \
		"call " #where "\n"                                                            \
		"pop %r8\n.cfi_adjust_cfa_offset -8\npop %rcx\n.cfi_adjust_cfa_offset -8\n"    \
		"pop %rdx\n.cfi_adjust_cfa_offset -8\npop %rsi\n.cfi_adjust_cfa_offset -8\n"   \
		"pop %rdi\n.cfi_adjust_cfa_offset -8\n"                                        \
		"jmp *%rax\n"                                                                  \
		".cfi_endproc\n.size " #name ", .-" #name "\n")
#elif defined(__aarch64__)
#define TAIL_HOOK(name, where)                                                                 \
	__asm__(".text\n.globl " #name "\n.type " #name ",%function\n.p2align 4\n" #name ":\n" \
		".cfi_startproc\n"                                                             \
		"stp x29, x30, [sp, #-48]!\n.cfi_def_cfa_offset 48\n"                          \
		".cfi_offset 29, -48\n.cfi_offset 30, -40\n"                                   \
		"stp x0, x1, [sp, #16]\nstp x2, x3, [sp, #32]\n"                               \
		"bl " #where "\n"                                                              \
		"mov x16, x0\n"                                                                \
		"ldp x0, x1, [sp, #16]\nldp x2, x3, [sp, #32]\n"                               \
		"ldp x29, x30, [sp], #48\n.cfi_def_cfa_offset 0\n"                             \
		".cfi_restore 29\n.cfi_restore 30\n"                                           \
		"br x16\n"                                                                     \
		".cfi_endproc\n.size " #name ", .-" #name "\n")
#endif

/* Reached from the assembly only. */
__attribute__((used)) void *hooks_dlopen_next(void)
{
	void *next = NEXT(dlopen);
	control_refresh();
	control_modules_changed();
	return next;
}

__attribute__((used)) void *hooks_dlmopen_next(void)
{
	void *next = NEXT(dlmopen);
	control_refresh();
	control_modules_changed();
	return next;
}

__attribute__((used)) void *hooks_dlsym_next(void)
{
	control_refresh();
	return hooks_next_dlsym();
}

TAIL_HOOK(dlopen, hooks_dlopen_next);
TAIL_HOOK(dlmopen, hooks_dlmopen_next);
TAIL_HOOK(dlsym, hooks_dlsym_next);

HOOK int dlclose(void *handle)
{
	control_refresh();
	int rc = NEXT(dlclose)(handle);
	control_modules_changed();
	control_refresh();
	return rc;
}
