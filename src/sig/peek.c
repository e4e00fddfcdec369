/*
 * Reading memory that may not be there, without a fault.
 *
 * The kernel is asked: rt_sigprocmask() with a nonsensical `how` copies the new mask from user
 * memory before it looks at `how`, so it answers EFAULT for memory that cannot be read and EINVAL
 * for memory that can, and changes nothing either way (Abseil and libunwind ask the same way).
 *
 * Rejected:
 * - a load with a SIGSEGV handler that steps over it: the program's own SIGSEGV handling, which
 *   language runtimes, crash reporters and debuggers rely on, would have to be chained and guarded;
 * - process_vm_readv(): copies and cannot race with munmap, but is twice the price, and sandboxes
 *   that kill on an unexpected system call do not expect it. rt_sigprocmask is in every allow list
 *   because libc needs it;
 * - mincore(), msync(): say that a page is mapped, not that it is readable.
 *
 * Between the question and the load another thread could unmap the page. Callers ask only about
 * what lies just above the stack pointer of the running thread, which nobody unmaps under it.
 */
#include "sig/sig.h"

#include <errno.h>

/* The kernel's page may be larger; asking more often than needed is harmless. */
#define PAGE	  4096u
#define MASK_SIZE 8u
#define BAD_HOW	  0x7fffffff

static bool word_readable(uintptr_t addr)
{
	return sig_syscall(SYS_rt_sigprocmask, BAD_HOW, addr, 0, MASK_SIZE) == -EINVAL;
}

bool sig_readable(uintptr_t addr, size_t n)
{
	uintptr_t last;
	if (!n || __builtin_add_overflow(addr, n - 1, &last))
		return false;
	for (uintptr_t page = addr & ~(uintptr_t)(PAGE - 1); page <= last; page += PAGE) {
		if (!word_readable(page))
			return false;
		if (page > UINTPTR_MAX - PAGE)
			break;
	}
	return true;
}

/* By the byte, volatile: memcpy() would be AddressSanitizer's in a program that has it, which looks
 * up what it knows of the address first, and faults where it can know nothing. */
__attribute__((no_sanitize_address)) bool sig_peek(void *dst, uintptr_t addr, size_t n)
{
	const volatile uint8_t *from = (const volatile uint8_t *)addr;
	uint8_t *to = dst;
	if (!sig_readable(addr, n))
		return false;
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
	return true;
}
