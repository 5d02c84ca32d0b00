/* workload.c - the clients as a whole: begin, end, and what others ask; see workload.h. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "runner/operation.h"

void workload_pause(struct workload *w, int64_t ns)
{
	int64_t until_ns = process_now_ns() + ns;
	const struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

	pthread_mutex_lock(&w->lock);
	while (!atomic_load(&w->stopping) && process_now_ns() < until_ns)
		pthread_cond_timedwait(&w->change, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
}

static int check_options(const struct workload_options *o, struct why *why)
{
	const struct plan_workload *p = &o->plan->workload;
	const struct plan_mix *m = &p->mix;

	if (p->workers < 1)
		return why_set(why, -EINVAL, "%lld workers, wanted at least 1",
			       (long long)p->workers);
	if (p->size_min < 0 || p->size_max < p->size_min)
		return why_set(why, -EINVAL, "sizes from %lld to %lld", (long long)p->size_min,
			       (long long)p->size_max);
	if (m->put + m->overwrite + m->create + m->replace + m->get + m->head + m->range +
		    m->delete_ + m->list <=
	    0)
		return why_set(why, -EINVAL, "mix has no operation of any weight");
	return 0;
}

static void init_locks(struct workload *w)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->probe_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int workload_open(struct workload **out, const struct workload_options *options, struct why *why)
{
	const struct plan_workload *plan = &options->plan->workload;
	struct workload *w;
	int rc = check_options(options, why);

	if (rc < 0)
		return rc;
	w = calloc(1, sizeof(*w));
	if (!w)
		return why_set(why, -ENOMEM, "no memory for the workload");
	init_locks(w);
	w->options = *options;
	w->ack_wanted = UINT64_MAX;
	w->worker = calloc((size_t)plan->workers, sizeof(*w->worker));
	w->oracle = oracle_open(options->driver->can);
	if (w->oracle)
		oracle_list_lag(w->oracle, options->plan->store.list.ns);
	if (!w->worker || !w->oracle)
		rc = why_set(why, -ENOMEM, "no memory for %lld workers", (long long)plan->workers);
	if (rc == 0)
		rc = keyspace_init(&w->keyspace, plan, why);
	if (rc == 0)
		rc = options->driver->open(&w->store, &options->plan->store, options->endpoint,
					   options->endpoints, why);
	if (rc < 0)
		workload_close(w);
	else
		*out = w;
	return rc;
}

int workload_start(struct workload *w, struct why *why)
{
	int wanted = (int)w->options.plan->workload.workers, rc = 0;

	while (w->workers < wanted && rc == 0) {
		struct worker *worker = &w->worker[w->workers];

		rc = session_open(&worker->session, w, w->workers, why);
		if (rc < 0)
			break;
		rc = -pthread_create(&worker->thread, NULL, worker_run, worker);
		if (rc < 0) {
			why_set(why, rc, "no thread for worker %d", w->workers);
			session_close(&worker->session);
			break;
		}
		w->workers++;
	}
	if (rc < 0)
		workload_stop(w);
	return rc;
}

void workload_pace(struct workload *w, int64_t more_think_ns)
{
	w->more_think_ns = more_think_ns;
}

void workload_stop(struct workload *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->stopping, true);
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
	for (; w->workers; w->workers--) {
		pthread_join(w->worker[w->workers - 1].thread, NULL);
		session_close(&w->worker[w->workers - 1].session);
	}
}

void workload_close(struct workload *w)
{
	if (!w)
		return;
	workload_stop(w);
	if (w->probe_open)
		session_close(&w->probe);
	if (w->store)
		w->options.driver->close(w->store);
	keyspace_fini(&w->keyspace);
	oracle_close(w->oracle);
	free(w->worker);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->probe_lock);
	free(w);
}

uint64_t workload_acks(const struct workload *w)
{
	return atomic_load_explicit(&w->acks, memory_order_relaxed);
}

int workload_wait_acks(struct workload *w, uint64_t n, int64_t deadline_ns)
{
	const struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
	bool go_on = w->options.plan->run.on_violation == ON_VIOLATION_CONTINUE;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	w->ack_wanted = n;
	while (rc == 0 && w->acks < n) {
		if (w->error)
			rc = w->error;
		else if (w->violations && !go_on)
			rc = -ECANCELED;
		else
			rc = -pthread_cond_timedwait(&w->change, &w->lock, &until);
	}
	w->ack_wanted = UINT64_MAX;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void workload_status(struct workload *w, struct workload_status *out)
{
	int64_t second = process_now_ns() / 1000000000;

	*out = (struct workload_status){0};
	pthread_mutex_lock(&w->lock);
	oracle_count(w->oracle, &out->count);
	out->ops = atomic_load(&w->unrecorded);
	for (int i = 0; i < VERB_COUNT; i++)
		out->ops += out->count.ops[i];
	out->errors = w->errors;
	out->ambiguous = w->ambiguous;
	out->violations = out->count.violations;
	if (second == w->second)
		out->ops_per_s = (double)w->last_second;
	else if (second == w->second + 1)
		out->ops_per_s = (double)w->this_second;
	pthread_mutex_unlock(&w->lock);
}

void workload_oracle(struct workload *w, void (*use)(void *arg, struct oracle *oracle), void *arg)
{
	pthread_mutex_lock(&w->lock);
	use(arg, w->oracle);
	pthread_mutex_unlock(&w->lock);
}

int workload_error(struct workload *w, struct why *why)
{
	pthread_mutex_lock(&w->lock);
	int rc = w->error;
	if (rc && why)
		*why = w->why;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

uint64_t workload_next_seq(struct workload *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t seq = ++w->sequence;
	pthread_mutex_unlock(&w->lock);
	return seq;
}

uint64_t workload_horizon(struct workload *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t oldest = oracle_oldest(w->oracle, w->first_op);
	uint64_t next = w->sequence + 1;
	pthread_mutex_unlock(&w->lock);
	return oldest < next ? oldest : next;
}
