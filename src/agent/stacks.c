/*
 * The stack table; see stacks.h.
 */
#include "agent/stacks.h"

#include "sig/sig.h"

static uint32_t hash_stack(uint32_t layout, const struct captured *stack)
{
	uint64_t h = sig_hash(layout + ((uint64_t)stack->flags << 40));
	for (size_t i = 0; i < stack->n; i++)
		h = sig_hash(h ^ stack->pcs[i]);
	return (uint32_t)(h >> 32);
}

static bool same(const struct recording_stack *s, uint32_t hash, uint32_t layout,
	const struct captured *stack)
{
	if (s->hash != hash || s->n != stack->n || s->layout != layout || s->flags != stack->flags)
		return false;
	for (size_t i = 0; i < stack->n; i++)
		if (s->pcs[i] != stack->pcs[i])
			return false;
	return true;
}

/* The chain from `ref` up to, not including, `stop`. */
static struct recording_stack *find(struct recording *rec, rec_ref ref, rec_ref stop, uint32_t hash,
	uint32_t layout, const struct captured *stack)
{
	while (ref != stop) {
		struct recording_stack *s = recording_at(rec, ref);
		if (same(s, hash, layout, stack))
			return s;
		ref = s->next;
	}
	return NULL;
}

static struct recording_stack *make(
	struct recording *rec, uint32_t hash, uint32_t layout, const struct captured *stack)
{
	struct recording_stack *s = recording_alloc(rec, sizeof(*s) + stack->n * sizeof(s->pcs[0]));
	if (!s)
		return NULL;
	s->hash = hash;
	s->layout = layout;
	s->n = (uint16_t)stack->n;
	s->flags = stack->flags;
	s->end = stack->end;
	for (size_t i = 0; i < stack->n; i++)
		s->pcs[i] = stack->pcs[i];
	return s;
}

struct recording_stack *stacks_intern(struct recording *rec, const struct captured *stack)
{
	uint32_t layout = atomic_load_explicit(&rec->layout, memory_order_relaxed);
	uint32_t hash = hash_stack(layout, stack);
	_Atomic rec_ref *bucket = &recording_buckets(rec)[hash % RECORDING_BUCKETS];
	rec_ref head = atomic_load_explicit(bucket, memory_order_acquire);
	struct recording_stack *s = find(rec, head, 0, hash, layout, stack);
	if (s)
		return s;
	s = make(rec, hash, layout, stack);
	if (!s)
		return NULL;
	for (;;) {
		rec_ref seen = head;
		s->next = head;
		if (atomic_compare_exchange_strong_explicit(bucket, &head, recording_ref(rec, s),
			    memory_order_release, memory_order_acquire))
			break;
		/* Others came first: perhaps with this very stack. Then ours is wasted. */
		struct recording_stack *other = find(rec, head, seen, hash, layout, stack);
		if (other)
			return other;
	}
	recording_count(&rec->stacks, 1);
	recording_count(&rec->stack_frames, stack->n);
	return s;
}

/* --- counts --- */

struct count_id {
	rec_ref stack;
	uint32_t labels;
	uint64_t key;
	enum recording_kind kind;
};

static uint32_t hash_count(const struct count_id *id)
{
	uint64_t h = sig_hash(((uint64_t)id->stack << 32 | id->labels) + (uint64_t)id->kind);
	return (uint32_t)(sig_hash(h ^ id->key) >> 32);
}

static struct recording_count *find_count(
	struct recording *rec, rec_ref ref, rec_ref stop, const struct count_id *id)
{
	while (ref != stop) {
		struct recording_count *c = recording_at(rec, ref);
		if (c->stack == id->stack && c->kind == id->kind && c->key == id->key &&
			c->labels == id->labels)
			return c;
		ref = c->next;
	}
	return NULL;
}

static struct recording_count *push_count(struct recording *rec, _Atomic rec_ref *bucket,
	rec_ref head, const struct count_id *id, unsigned n)
{
	struct recording_count *c = recording_alloc(rec, sizeof(*c) + n * sizeof(c->values[0]));
	if (!c)
		return NULL;
	c->stack = id->stack;
	c->kind = (uint8_t)id->kind;
	c->n = (uint8_t)n;
	c->labels = id->labels;
	c->key = id->key;
	for (;;) {
		rec_ref seen = head;
		c->next = head;
		if (atomic_compare_exchange_strong_explicit(bucket, &head, recording_ref(rec, c),
			    memory_order_release, memory_order_acquire))
			return c;
		struct recording_count *other = find_count(rec, head, seen, id);
		if (other)
			return other;
	}
}

struct recording_count *stacks_count(struct recording *rec, const struct recording_stack *stack,
	enum recording_kind kind, uint32_t labels, uint64_t key, unsigned n)
{
	struct count_id id = {recording_ref(rec, stack), labels, key, kind};
	_Atomic rec_ref *bucket =
		&recording_count_buckets(rec)[hash_count(&id) % RECORDING_BUCKETS];
	rec_ref head = atomic_load_explicit(bucket, memory_order_acquire);
	struct recording_count *c = find_count(rec, head, 0, &id);
	return c ? c : push_count(rec, bucket, head, &id, n);
}
