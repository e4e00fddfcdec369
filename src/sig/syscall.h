/*
 * Raw system calls: the result is the kernel's, -errno on failure, and the program's errno is never
 * touched. libc's syscall() was rejected for that: a handler that must save and restore errno
 * around every call forgets it once.
 */
#ifndef SONDE_SIG_SYSCALL_H
#define SONDE_SIG_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long sig_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sig_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "sonde records on x86_64 and aarch64; add sig_syscall6 for this machine here"
#endif

/* sig_syscall(nr, up to six integers or pointers). */
#define sig_syscall(...) sig_syscall_pad(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sig_syscall_pad(nr, a, b, c, d, e, f, ...) \
	sig_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
