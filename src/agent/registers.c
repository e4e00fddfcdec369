/*
 * registers: threads say what is in their registers, for who searches memory for pointers
 * (export_roots.h). A kind (kinds.h) that counts nothing: setting its rate to another number asks,
 * and threads put that number beside their answer.
 *
 * All are sent our signal, those that wait in a hook as well: what a function keeps in a register
 * over the call is in nobody's wait record. So is the caller, which may be in the handler of
 * another process's poke. (Rejected: stopping threads by ptrace, which a process cannot do to its
 * own, and which interrupts system calls as a signal does.)
 */
#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/kinds.h"
#include "agent/state.h"

#if defined(__aarch64__)
#include <asm/sigcontext.h>
#endif

#if defined(__x86_64__)
/* r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp; xmm0 to 15. */
static void copy_registers(uint64_t *words, const mcontext_t *m)
{
	_Static_assert(REG_R8 == 0 && REG_RSP == 15, "the order above");
	for (int i = 0; i < 16; i++)
		words[i] = (uint64_t)m->gregs[i];
	for (int i = 0; i < 16 && m->fpregs; i++) {
		const uint32_t *xmm = m->fpregs->_xmm[i].element;
		words[16 + 2 * i] = xmm[0] | (uint64_t)xmm[1] << 32;
		words[17 + 2 * i] = xmm[2] | (uint64_t)xmm[3] << 32;
	}
}
#else
/* x0 to x30, sp; the vector registers are in the first record behind them, if they are there. */
static void copy_registers(uint64_t *words, const mcontext_t *m)
{
	const struct fpsimd_context *vectors = (const void *)m->__reserved;
	for (int i = 0; i < 31; i++)
		words[i] = m->regs[i];
	words[31] = m->sp;
	for (int i = 0; i < 32 && vectors->head.magic == FPSIMD_MAGIC; i++) {
		words[32 + 2 * i] = (uint64_t)vectors->vregs[i];
		words[33 + 2 * i] = (uint64_t)(vectors->vregs[i] >> 64);
	}
}
#endif

static bool answer(struct recording *rec, struct thread *t, const ucontext_t *context)
{
	struct thread_registers *r = &state->threads.registers[t - state->threads.slots];
	copy_registers(r->words, &context->uc_mcontext);
	atomic_store(&r->answered, atomic_load(&state->threads.asked));
	return true;
}

static int set(struct recording *rec, uint64_t number)
{
	if (!number)
		return 0;
	atomic_store(&state->threads.asked, number);
	cpu_look(rec, true);
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) == THREAD_LIVE)
			control_call(rec, t, RECORDING_REGISTERS);
	}
	return 0;
}

const struct kind registers_kind = {.set = set, .answer = answer};
