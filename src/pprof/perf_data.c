/*
 * perf.data as `perf record` writes it to a file ("PERFILE2", tools/perf/Documentation in the
 * kernel's sources): events with their ids, the names of events and the build ids of objects from
 * the features at the end, then mappings, forks and names of threads, and last the samples.
 *
 * Records of different CPUs lie in the file in the order they were drained, so that a mapping may
 * come after the first sample in it. Hence two passes, mappings first; of two that cover an address
 * the later one counts.
 */
#include "pprof/perf.h"
#include "pprof/readers.h"
#include "pprof/stacks.h"

#define STEPS_MAX   ((uint64_t)1 << 32) /* an address compared with a mapping */
#define FORKS_MAX   16
#define CHAIN_MAX   1024
#define CONTEXT_MAX ((uint64_t)-4095) /* addresses from here on are marks in the call chain */
#define KERNEL_PID  UINT32_MAX

enum record {
	RECORD_MMAP = 1,
	RECORD_COMM = 3,
	RECORD_FORK = 7,
	RECORD_SAMPLE = 9,
	RECORD_MMAP2 = 10,
	RECORD_AUXTRACE = 71,
	RECORD_COMPRESSED = 81,
	RECORD_COMPRESSED2 = 83,
};

enum sample_field {
	FIELD_IP = 1 << 0,
	FIELD_TID = 1 << 1,
	FIELD_TIME = 1 << 2,
	FIELD_ADDR = 1 << 3,
	FIELD_READ = 1 << 4,
	FIELD_CALLCHAIN = 1 << 5,
	FIELD_ID = 1 << 6,
	FIELD_CPU = 1 << 7,
	FIELD_PERIOD = 1 << 8,
	FIELD_STREAM_ID = 1 << 9,
	FIELD_IDENTIFIER = 1 << 16,
};

enum {
	FEATURE_BUILD_ID = 2,
	FEATURE_EVENT_DESC = 12,
	MISC_MMAP_DATA = 1 << 13,
	MISC_MMAP_BUILD_ID = 1 << 14,
	MISC_BUILD_ID_SIZE = 1 << 15,
	PROT_EXECUTE = 4,
	ATTR_FREQ = 1 << 10,
	READ_ENABLED = 1 << 0,
	READ_RUNNING = 1 << 1,
	READ_ID = 1 << 2,
	READ_GROUP = 1 << 3,
	READ_LOST = 1 << 4,
};

/* Bytes being taken apart; once too few are left, all that is read is 0 and `cut` is set. */
struct bytes {
	const uint8_t *p, *end;
	bool cut;
};

struct attr {
	uint64_t fields, read_format, period;
	const char *usual_name;
	uint32_t event; /* its sample types are 2 * event and the next; UNNAMED at first */
};

#define UNNAMED UINT32_MAX

struct vma {
	uint32_t pid;
	uint64_t start, limit, offset;
	struct text file;
	char build_id[41];
	uint32_t mapping; /* index + 1 once used */
};

struct perf {
	struct stacks s;
	const uint8_t *start;
	size_t n;
	struct attr attrs[PERF_EVENTS_MAX];
	uint32_t attr_n;
	char *events[PERF_EVENTS_MAX];
	uint32_t event_n;
	struct map ids;	      /* of events -> attr */
	struct map build_ids; /* string id of the file -> string id */
	struct map parents;   /* pid -> pid */
	struct map comms;     /* tid -> string id */
	struct vma *vmas;
	uint32_t vma_n, vma_cap;
	struct map vma_cache; /* pid and address, hashed -> vma + 1, 0 for none */
	uint64_t steps;
	struct err *err;
};

static const uint8_t *take(struct bytes *b, size_t n)
{
	static const uint8_t zeros[64];
	if ((size_t)(b->end - b->p) < n) {
		b->cut = true;
		b->p = b->end;
		return n <= sizeof(zeros) ? zeros : NULL;
	}
	b->p += n;
	return b->p - n;
}

static uint16_t u16(struct bytes *b)
{
	uint16_t v;
	memcpy(&v, take(b, sizeof(v)), sizeof(v));
	return v;
}

static uint32_t u32(struct bytes *b)
{
	uint32_t v;
	memcpy(&v, take(b, sizeof(v)), sizeof(v));
	return v;
}

static uint64_t u64(struct bytes *b)
{
	uint64_t v;
	memcpy(&v, take(b, sizeof(v)), sizeof(v));
	return v;
}

/* What is left, up to a NUL. */
static struct text c_string(struct bytes *b)
{
	size_t n = (size_t)(b->end - b->p);
	return (struct text){(const char *)b->p, strnlen((const char *)b->p, n)};
}

static int bad(struct perf *p, const uint8_t *at, const char *what)
{
	return err_at(p->err, ERR_FORMAT, at - p->start, "perf.data: %s", what);
}

/* A part of the file by offset and size; empty if it lies outside. */
static struct bytes section(struct perf *p, uint64_t offset, uint64_t size)
{
	if (offset > p->n || size > p->n - offset)
		return (struct bytes){p->start, p->start, true};
	return (struct bytes){p->start + offset, p->start + offset + size, false};
}

static struct bytes read_section(struct perf *p, struct bytes *b)
{
	uint64_t offset = u64(b), size = u64(b);
	return section(p, offset, size);
}

/* --- events --- */

static const char *known_event(uint32_t type, uint64_t config)
{
	static const char *const hardware[] = {"cycles", "instructions", "cache-references",
		"cache-misses", "branches", "branch-misses", "bus-cycles"};
	static const char *const software[] = {"cpu-clock", "task-clock", "page-faults",
		"context-switches", "cpu-migrations", "minor-faults", "major-faults"};
	if (type == 0 && config < array_len(hardware))
		return hardware[config];
	if (type == 1 && config < array_len(software))
		return software[config];
	return "event";
}

static uint32_t add_event(struct perf *p, struct text name)
{
	for (uint32_t i = 0; i < p->event_n; i++)
		if (text_is(name, p->events[i]))
			return i;
	p->events[p->event_n++] = mem_strndup(name.s, name.n);
	return p->event_n - 1;
}

static void read_ids(struct perf *p, struct bytes ids, uint32_t attr)
{
	while (ids.end - ids.p >= 8) {
		bool is_new;
		*map_put(&p->ids, u64(&ids), &is_new) = attr;
	}
}

/* The file's attributes; their names are among the features, if anywhere. */
static int read_attrs(struct perf *p, struct bytes attrs, uint64_t entry_size)
{
	if (entry_size < 64 + 16 || entry_size > 4096)
		return bad(p, p->start, "the size of the attributes is not believable");
	while ((uint64_t)(attrs.end - attrs.p) >= entry_size) {
		struct bytes b = {attrs.p, attrs.p + entry_size, false};
		struct bytes ids_at = {b.end - 16, b.end, false};
		attrs.p += entry_size;
		if (p->attr_n == PERF_EVENTS_MAX)
			return bad(p, attrs.p, "too many events");
		struct attr *a = &p->attrs[p->attr_n];
		uint32_t type = u32(&b);
		u32(&b);
		uint64_t config = u64(&b);
		a->period = u64(&b);
		a->fields = u64(&b);
		a->read_format = u64(&b);
		if (u64(&b) & ATTR_FREQ)
			a->period = 1;
		a->usual_name = known_event(type, config);
		a->event = UNNAMED;
		read_ids(p, read_section(p, &ids_at), p->attr_n++);
	}
	return p->attr_n ? 0 : bad(p, p->start, "no events");
}

/* Names in the order of the attributes. Two attributes of one name share their sample types. */
static void read_event_desc(struct perf *p, struct bytes b)
{
	uint32_t n = u32(&b), size = u32(&b);
	for (uint32_t i = 0; i < n && i < p->attr_n && !b.cut; i++) {
		if (!take(&b, size))
			return;
		uint32_t id_n = u32(&b), len = u32(&b);
		if (b.cut || len > (size_t)(b.end - b.p))
			return;
		struct bytes name = {b.p, b.p + len, false};
		take(&b, len);
		if ((uint64_t)id_n * 8 > (uint64_t)(b.end - b.p))
			return;
		p->attrs[i].event = add_event(p, perf_event_name(c_string(&name)));
		b.p += (size_t)id_n * 8;
	}
}

static void name_events(struct perf *p)
{
	for (uint32_t i = 0; i < p->attr_n; i++) {
		const char *name = p->attrs[i].usual_name;
		if (p->attrs[i].event == UNNAMED)
			p->attrs[i].event = add_event(p, (struct text){name, strlen(name)});
	}
}

static void hex_id(char *ret, const uint8_t *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	n = n < 20 ? n : 20;
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[id[i] >> 4];
		ret[2 * i + 1] = digits[id[i] & 15];
	}
	ret[2 * n] = '\0';
}

static uint32_t intern(struct perf *p, struct text t)
{
	return strtab_add(&p->s.p->strings, t.n ? t.s : "", t.n);
}

static void read_build_ids(struct perf *p, struct bytes b)
{
	while (b.end - b.p >= 8) {
		struct bytes record = {b.p, b.end, false};
		u32(&record);
		uint16_t misc = u16(&record), size = u16(&record);
		if (size < 8 + 4 + 24 || size > b.end - b.p)
			return;
		record.end = b.p + size;
		b.p += size;
		u32(&record); /* pid */
		const uint8_t *id = take(&record, 24);
		char hex[41];
		hex_id(hex, id, misc & MISC_BUILD_ID_SIZE ? id[20] : 20);
		bool is_new;
		*map_put(&p->build_ids, intern(p, c_string(&record)), &is_new) =
			strtab_addstr(&p->s.p->strings, hex);
	}
}

/* The features' places follow the data, one for each bit set. */
static void read_features(struct perf *p, struct bytes at, uint64_t bits)
{
	for (unsigned i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		struct bytes feature = read_section(p, &at);
		if (i == FEATURE_BUILD_ID)
			read_build_ids(p, feature);
		else if (i == FEATURE_EVENT_DESC)
			read_event_desc(p, feature);
	}
}

/* --- processes --- */

static void read_mmap(struct perf *p, struct bytes *b, uint16_t misc, bool is_2)
{
	struct vma v = {.pid = u32(b)};
	u32(b); /* tid */
	v.start = u64(b);
	v.limit = v.start + u64(b);
	v.offset = u64(b);
	bool executable = !(misc & MISC_MMAP_DATA);
	if (is_2) {
		const uint8_t *id = take(b, 24);
		if (misc & MISC_MMAP_BUILD_ID)
			hex_id(v.build_id, id + 4, id[0]);
		executable = (u32(b) & PROT_EXECUTE) != 0;
		u32(b);
	}
	v.file = c_string(b);
	if (executable && !b->cut && v.limit > v.start)
		vec_push(p->vmas, p->vma_n, p->vma_cap, v);
}

static void read_fork(struct perf *p, struct bytes *b)
{
	uint32_t pid = u32(b), parent = u32(b);
	bool is_new;
	if (pid != parent && !b->cut)
		*map_put(&p->parents, pid, &is_new) = parent;
}

static void read_comm(struct perf *p, struct bytes *b)
{
	u32(b); /* pid */
	uint32_t tid = u32(b);
	bool is_new;
	if (!b->cut)
		*map_put(&p->comms, tid, &is_new) = intern(p, c_string(b));
}

static uint32_t search(struct perf *p, uint32_t pid, uint64_t address)
{
	p->steps += p->vma_n;
	for (uint32_t i = p->vma_n; i-- > 0;)
		if (p->vmas[i].pid == pid && p->vmas[i].start <= address &&
			address < p->vmas[i].limit)
			return i + 1;
	return 0;
}

/* The process's own mapping, or one it has from its parents, or the kernel's. 0 for none. */
static uint32_t find_vma(struct perf *p, uint32_t pid, uint64_t address)
{
	bool is_new;
	uint32_t *cached =
		map_put(&p->vma_cache, hash_u64(address ^ hash_u64(pid)) ^ address, &is_new);
	if (!is_new)
		return *cached;
	uint32_t found = search(p, pid, address);
	for (int i = 0; i < FORKS_MAX && !found; i++) {
		uint32_t *parent = map_get(&p->parents, pid);
		if (!parent)
			break;
		pid = *parent;
		found = search(p, pid, address);
	}
	if (!found)
		found = search(p, KERNEL_PID, address);
	return *cached = found;
}

static uint32_t use_vma(struct perf *p, struct vma *v)
{
	if (v->mapping)
		return v->mapping - 1;
	struct profile *profile = p->s.p;
	struct mapping m = {.start = v->start, .limit = v->limit, .offset = v->offset};
	m.file = intern(p, v->file);
	uint32_t *id = map_get(&p->build_ids, m.file);
	m.build_id = *v->build_id ? strtab_addstr(&profile->strings, v->build_id) : id ? *id : 0;
	p->steps += profile->mapping_n;
	for (uint32_t i = 0; i < profile->mapping_n && !v->mapping; i++) {
		const struct mapping *old = &profile->mappings[i];
		if (old->start == m.start && old->limit == m.limit && old->offset == m.offset &&
			old->file == m.file && old->build_id == m.build_id)
			v->mapping = i + 1;
	}
	if (!v->mapping)
		v->mapping = profile_add_mapping(profile, &m) + 1;
	return v->mapping - 1;
}

/* --- samples --- */

static void push(struct perf *p, uint32_t pid, uint64_t address, bool is_return)
{
	address -= is_return; /* onto the call */
	uint32_t vma = find_vma(p, pid, address);
	uint32_t mapping = vma ? use_vma(p, &p->vmas[vma - 1]) : PROFILE_NONE;
	stacks_push(&p->s, mapping, address, NULL, 0);
}

/* Where each context (user, kernel, guest) begins, the address is where it was; further up they
 * are returns. */
static void push_chain(struct perf *p, struct bytes *b, uint32_t pid)
{
	uint64_t n = u64(b);
	bool is_return = false;
	for (uint64_t i = 0; i < n && !b->cut; i++) {
		uint64_t address = u64(b);
		if (b->cut || address >= CONTEXT_MAX) {
			is_return = false;
			continue;
		}
		if (p->s.stack_n < CHAIN_MAX)
			push(p, pid, address, is_return);
		is_return = true;
	}
}

static void skip_read(struct bytes *b, uint64_t format)
{
	uint64_t times = !!(format & READ_ENABLED) + !!(format & READ_RUNNING);
	uint64_t each = 1 + !!(format & READ_ID) + !!(format & READ_LOST);
	uint64_t n = format & READ_GROUP ? u64(b) : 1;
	for (uint64_t i = 0; i < times; i++)
		u64(b);
	for (uint64_t i = 0; i < n * each && !b->cut; i++)
		u64(b);
}

/* All events have the field that tells them apart in the same place. */
static uint32_t attr_of(const struct perf *p, struct bytes b)
{
	uint64_t fields = p->attrs[0].fields;
	if (p->attr_n == 1)
		return 0;
	if (!(fields & FIELD_IDENTIFIER)) {
		if (!(fields & FIELD_ID))
			return 0;
		fields &= FIELD_IP | FIELD_TID | FIELD_TIME | FIELD_ADDR;
		for (; fields; fields &= fields - 1)
			u64(&b);
	}
	uint32_t *attr = map_get(&p->ids, u64(&b));
	return attr ? *attr : 0;
}

static void skip_if(struct bytes *b, uint64_t fields, uint64_t field)
{
	if (fields & field)
		u64(b);
}

static void add_sample(
	struct perf *p, const struct attr *a, uint32_t pid, uint32_t tid, uint64_t period)
{
	struct profile *profile = p->s.p;
	int64_t values[2 * PERF_EVENTS_MAX] = {0};
	values[2 * a->event] = 1;
	values[2 * a->event + 1] = (int64_t)period;
	uint32_t *comm = map_get(&p->comms, tid);
	struct label labels[3] = {
		{.key = strtab_addstr(&profile->strings, "pid"), .num = pid, .is_num = true},
		{.key = strtab_addstr(&profile->strings, "tid"), .num = tid, .is_num = true},
		{.key = strtab_addstr(&profile->strings, "comm"), .str = comm ? *comm : 0},
	};
	stacks_sample(&p->s, false, values, labels, comm ? 3 : 2);
}

static int read_sample(struct perf *p, struct bytes b)
{
	const struct attr *a = &p->attrs[attr_of(p, b)];
	uint64_t ip = 0, period = a->period;
	uint32_t pid = 0, tid = 0;
	skip_if(&b, a->fields, FIELD_IDENTIFIER);
	if (a->fields & FIELD_IP)
		ip = u64(&b);
	if (a->fields & FIELD_TID) {
		pid = u32(&b);
		tid = u32(&b);
	}
	skip_if(&b, a->fields, FIELD_TIME);
	skip_if(&b, a->fields, FIELD_ADDR);
	skip_if(&b, a->fields, FIELD_ID);
	skip_if(&b, a->fields, FIELD_STREAM_ID);
	skip_if(&b, a->fields, FIELD_CPU);
	if (a->fields & FIELD_PERIOD)
		period = u64(&b);
	if (a->fields & FIELD_READ)
		skip_read(&b, a->read_format);
	p->s.stack_n = 0;
	if (a->fields & FIELD_CALLCHAIN)
		push_chain(p, &b, pid);
	if (b.cut)
		return bad(p, b.end, "a sample is cut short");
	if (!p->s.stack_n && a->fields & FIELD_IP)
		push(p, pid, ip, false);
	if (p->steps > STEPS_MAX)
		return err_set(p->err, ERR_LIMIT,
			"perf.data: too many addresses in too many "
			"mappings");
	add_sample(p, a, pid, tid, period);
	return 0;
}

static int read_record(struct perf *p, uint32_t type, uint16_t misc, struct bytes b, bool samples)
{
	if (samples)
		return type == RECORD_SAMPLE ? read_sample(p, b) : 0;
	switch (type) {
	case RECORD_MMAP:
	case RECORD_MMAP2:
		read_mmap(p, &b, misc, type == RECORD_MMAP2);
		return 0;
	case RECORD_COMM:
		read_comm(p, &b);
		return 0;
	case RECORD_FORK:
		read_fork(p, &b);
		return 0;
	case RECORD_COMPRESSED:
	case RECORD_COMPRESSED2:
		return err_set(p->err, ERR_UNSUPPORTED,
			"perf.data: compressed records; record without -z, or convert the text of "
			"`perf script`");
	}
	return 0;
}

static int read_records(struct perf *p, struct bytes data, bool samples)
{
	int rc = 0;
	while (rc >= 0 && data.end - data.p >= 8) {
		struct bytes b = data;
		uint32_t type = u32(&b);
		uint16_t misc = u16(&b), size = u16(&b);
		if (size < 8 || size > data.end - data.p)
			return bad(p, data.p, "a record runs past the end");
		b.end = data.p + size;
		uint64_t more = 0;
		if (type == RECORD_AUXTRACE) {
			struct bytes aux = b;
			more = u64(&aux);
		}
		rc = read_record(p, type, misc, b, samples);
		data.p += size;
		if (more > (uint64_t)(data.end - data.p))
			return bad(p, data.p, "trace data runs past the end");
		data.p += more;
	}
	return rc;
}

/* The program that was recorded first, so that it is the profile's main binary. */
static void use_main(struct perf *p)
{
	for (uint32_t i = 0; i < p->vma_n; i++) {
		if (p->vmas[i].pid == KERNEL_PID || !p->vmas[i].file.n || *p->vmas[i].file.s != '/')
			continue;
		use_vma(p, &p->vmas[i]);
		return;
	}
}

static int read_file(struct perf *p)
{
	struct bytes b = {p->start, p->start + p->n, false};
	take(&b, 8);
	uint64_t header_size = u64(&b), attr_size = u64(&b);
	if (header_size == 16)
		return err_set(p->err, ERR_UNSUPPORTED,
			"perf.data: made through a pipe; record to a file, or convert the text of "
			"`perf script`");
	struct bytes attrs = read_section(p, &b);
	uint64_t data_offset = u64(&b), data_size = u64(&b);
	struct bytes data = section(p, data_offset, data_size);
	read_section(p, &b); /* event types, no longer used */
	uint64_t features = u64(&b);
	if (b.cut || attrs.cut || data.cut)
		return err_set(p->err, ERR_TRUNCATED,
			"perf.data: the file is shorter than its header says");
	int rc = read_attrs(p, attrs, attr_size);
	if (rc < 0)
		return rc;
	read_features(p, (struct bytes){data.end, p->start + p->n, false}, features);
	name_events(p);
	perf_event_types(p->s.p, p->events, p->event_n);
	rc = read_records(p, data, false);
	use_main(p);
	return rc < 0 ? rc : read_records(p, data, true);
}

bool perf_data_is(const void *data, size_t n)
{
	return n >= 8 && memcmp(data, "PERFILE2", 8) == 0;
}

static void release(struct perf *p)
{
	stacks_release(&p->s);
	for (uint32_t i = 0; i < p->event_n; i++)
		mem_free(p->events[i]);
	map_release(&p->ids);
	map_release(&p->build_ids);
	map_release(&p->parents);
	map_release(&p->comms);
	map_release(&p->vma_cache);
	mem_free(p->vmas);
}

int perf_data_parse(struct profile *profile, const void *data, size_t n, struct err *err)
{
	struct perf *p = mem_zalloc(sizeof(*p));
	p->start = data;
	p->n = n;
	p->err = err;
	stacks_init(&p->s, profile);
	int rc = perf_data_is(data, n) ? read_file(p)
				       : err_set(err, ERR_FORMAT, "not a perf.data file");
	release(p);
	mem_free(p);
	return rc;
}
