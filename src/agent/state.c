/*
 * The agent's state; see state.h.
 */
#include "agent/state.h"

#include <errno.h>
#include <sys/mman.h>

struct state *state;

int state_init(void)
{
	if (state)
		return 0;
	struct state *s = sig_map(sizeof(*s));
	if (!s)
		return -ENOMEM;
	long rc = sig_syscall(SYS_madvise, s, (sizeof(*s) + 4095) & ~4095ul, MADV_WIPEONFORK);
	if (rc) {
		sig_unmap(s, sizeof(*s));
		return (int)rc;
	}
	state = s;
	return 0;
}

struct recording *state_enter(unsigned *ret_token)
{
	struct state *s = state;
	if (!s)
		return NULL;
	unsigned token = sig_rcu_enter(&s->users);
	struct recording *rec = atomic_load(&s->recording);
	if (rec) {
		*ret_token = token;
		return rec;
	}
	sig_rcu_exit(&s->users, token);
	return NULL;
}

void state_leave(unsigned token)
{
	sig_rcu_exit(&state->users, token);
}

bool state_retract(struct recording **ret)
{
	*ret = atomic_exchange(&state->recording, NULL);
	return sig_rcu_quiesce(&state->users, 1000000000u);
}
