/*
 * Vectors: a pointer, a count and a capacity side by side in the struct that owns them, grown by
 * one macro (git's ALLOC_GROW). The elements are freed with mem_free().
 */
#ifndef SONDE_BASE_VEC_H
#define SONDE_BASE_VEC_H

/* Room for at least `need` elements in `ptr`, whose capacity is the lvalue `cap`. */
#define vec_grow(ptr, need, cap)                                       \
	do {                                                           \
		size_t need_ = (need);                                 \
		if (need_ > (cap)) {                                   \
			size_t cap_ = (size_t)(cap) + (cap) / 2 + 8;   \
			(cap) = cap_ < need_ ? need_ : cap_;           \
			(ptr) = mem_rearray(ptr, cap, sizeof(*(ptr))); \
		}                                                      \
	} while (0)

/* Appends one element. */
#define vec_push(ptr, n, cap, value)                 \
	do {                                         \
		vec_grow(ptr, (size_t)(n) + 1, cap); \
		(ptr)[(n)++] = (value);              \
	} while (0)

#endif
