/* operation.c - see operation.h. */
#include "runner/operation.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_SLACK = 4096, ANSWER_MAX = 65536, LIST_MAX = 64 << 20, RETRY_MS = 5 };

int session_open(struct session *session, struct workload *workload, int worker, struct why *why)
{
	const struct workload_options *o = &workload->options;

	*session = (struct session){.workload = workload, .worker = worker};
	session->body = malloc((size_t)o->plan->workload.size_max + 1);
	if (!session->body)
		return why_set(why, -ENOMEM, "no memory for a body");
	int rc = client_open(&session->client, o->client_address, o->plan->store.timeout_ns, why);
	if (rc < 0)
		session_close(session);
	return rc;
}

void session_close(struct session *session)
{
	client_close(session->client);
	free(session->body);
	free(session->list.text);
	*session = (struct session){.worker = -1};
}

static bool is_mutation(enum verb verb)
{
	return verb == VERB_PUT || verb == VERB_DELETE;
}

static void list_add(struct list_text *list, const char *bytes, size_t size)
{
	if (list->used + size + 1 > list->room) {
		size_t room = (list->used + size + 1) * 2;
		char *grown = realloc(list->text, room);

		if (!grown) {
			list->broken = true;
			return;
		}
		list->text = grown;
		list->room = room;
	}
	memcpy(list->text + list->used, bytes, size);
	list->used += size;
	list->text[list->used] = '\0';
}

static void list_add_string(struct list_text *list, const char *text, size_t size)
{
	char escape[8];

	list_add(list, "\"", 1);
	for (size_t i = 0, plain = 0; i <= size; i++) {
		bool special = i < size &&
			       ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\');
		if (i < size && !special)
			continue;
		list_add(list, text + plain, i - plain);
		plain = i + 1;
		if (special) {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)text[i]);
			list_add(list, escape, 6);
		}
	}
	list_add(list, "\"", 1);
}

static int list_entry(void *arg, const struct list_entry *entry)
{
	struct list_text *list = arg;
	char size[32];
	int n = snprintf(size, sizeof(size), ",%llu,", (unsigned long long)entry->size);

	list_add(list, list->used > 1 ? ",[" : "[", list->used > 1 ? 2 : 1);
	list_add_string(list, entry->key, entry->key_length);
	list_add(list, size, (size_t)n);
	list_add_string(list, entry->tag, strlen(entry->tag));
	list_add(list, "]", 1);
	if (strcmp(entry->key, list->last) > 0)
		snprintf(list->last, sizeof(list->last), "%s", entry->key);
	return list->broken ? -ENOMEM : 0;
}

/* The page as JSON; a page that can't be understood is garbage. */
static enum outcome read_page(struct session *session, const struct op *op,
			      const struct reply *reply, struct answer *answer, struct why *why)
{
	const struct workload *w = session->workload;
	struct list_text *list = &session->list;
	int rc;

	list->used = 0;
	list->last[0] = '\0';
	list->broken = false;
	list_add(list, "[", 1);
	rc = driver_prefix_page(w->options.driver, w->store, op, w->options.prefix, reply,
				list_entry, list, answer->after, sizeof(answer->after), why);
	list_add(list, "]", 1);
	if (rc < 0)
		answer->after[0] = '\0';
	return rc < 0 ? OUTCOME_GARBAGE : OUTCOME_OK;
}

/* Intent of an operation, its body made. */
static void prepare(struct session *session, const struct op *op, int endpoint, uint64_t size,
		    struct ledger_intent *intent)
{
	struct workload *w = session->workload;

	*intent = (struct ledger_intent){
		.op = w->options.ledger ? ledger_next_op(w->options.ledger)
					: atomic_fetch_add(&w->unrecorded, 1) + 1,
		.worker = session->worker,
		.endpoint = endpoint,
		.verb = op->verb,
		.key = op->verb == VERB_LIST ? op->prefix : op->key,
		.offset = op->offset,
		.length = op->verb == VERB_LIST ? op->limit : op->length,
	};
	if (op->verb != VERB_PUT)
		return;
	if (op->tag)
		snprintf(intent->condition, sizeof(intent->condition), "%s", op->tag);
	intent->generation = intent->op;
	intent->size = size;
	const struct body_id id = {w->options.run_id, op->key, intent->generation, size};
	body_make(&id, 0, session->body, size);
	body_tag_of(session->body, size, intent->tag);
}

static void invoke(struct workload *w, struct ledger_intent *intent)
{
	pthread_mutex_lock(&w->lock);
	intent->inv_ns = process_now_ns();
	intent->inv_seq = ++w->sequence;
	if (!w->first_op || intent->op < w->first_op)
		w->first_op = intent->op;
	if (w->options.ledger)
		oracle_invoke(w->oracle, intent);
	pthread_mutex_unlock(&w->lock);
}

/* What may have arrived is sent once more: it can take effect twice. */
static void again(struct workload *w, const struct ledger_outcome *out)
{
	if (!out->sends)
		return;
	pthread_mutex_lock(&w->lock);
	oracle_again(w->oracle, out->op);
	pthread_mutex_unlock(&w->lock);
}

/* What came, as a fact: outcome, told size, tag and range, what the bytes tell. sent: op as the store
 * got it. */
static void judge_reply(struct session *session, const struct op *op, const struct op *sent,
			const struct client_result *r, struct ledger_outcome *out,
			struct answer *answer)
{
	struct workload *w = session->workload;
	struct body_found found = {.mark = BODY_OK};
	struct fact fact = {.outcome = OUTCOME_NOT_APPLIED};
	struct why why = {""};

	if (r->overflow && op->verb == VERB_LIST && r->reply.status == 200) {
		fact.outcome = OUTCOME_GARBAGE;
		why_set(&why, 0, "a page of more than %d bytes", LIST_MAX);
	} else if (r->reply.status) {
		w->options.driver->reply(w->store, sent, &r->reply, &fact, &why);
	} else if (r->sends && is_mutation(op->verb)) {
		fact.outcome = OUTCOME_AMBIGUOUS;
	}
	if ((op->verb == VERB_GET || op->verb == VERB_RANGE) && r->overflow &&
	    (r->reply.status == 200 || r->reply.status == 206)) {
		fact.outcome = OUTCOME_OK;
		found.mark = BODY_EXTENDED;
		fact.size = r->reply.length;
	} else if (w->options.ledger && (op->verb == VERB_GET || op->verb == VERB_RANGE) &&
		   fact.outcome == OUTCOME_OK) {
		body_check(w->options.run_id, op->key, fact.from, fact.size, r->reply.body,
			   r->reply.length, &found);
	} else if (op->verb == VERB_LIST && fact.outcome == OUTCOME_OK) {
		fact.outcome = read_page(session, sent, &r->reply, answer, &why);
	}
	out->kind = fact.outcome;
	out->seen = found.generation;
	out->mark = found.mark;
	out->size = fact.size;
	out->first = fact.from;
	out->last = fact.to;
	memcpy(out->tag, fact.tag, sizeof(out->tag));
	answer->retry_after_ms = fact.retry_after_ms;
	snprintf(answer->text, sizeof(answer->text), "%s",
		 found.text[0]              ? found.text
		 : why.text[0] || !r->error ? why.text
					    : curl_easy_strerror((CURLcode)r->error));
}

/* Under the lock: what the run counts. */
static void count(struct workload *w, const struct ledger_outcome *out, enum verb verb,
		  int64_t inv_ns, enum violation_code violation)
{
	int64_t second = out->res_ns / 1000000000;
	bool ack = is_mutation(verb) && (out->kind == OUTCOME_OK || out->kind == OUTCOME_ABSENT);

	if (second != w->second) {
		w->last_second = second == w->second + 1 ? w->this_second : 0;
		w->this_second = 0;
		w->second = second;
	}
	w->this_second++;
	workload_count_recent(&w->recent, out->kind, out->res_ns - inv_ns);
	w->errors += out->kind == OUTCOME_NOT_APPLIED || out->kind == OUTCOME_AMBIGUOUS;
	w->ambiguous += out->kind == OUTCOME_AMBIGUOUS;
	w->violations += violation != VIOLATION_NONE;
	if (ack)
		atomic_fetch_add_explicit(&w->acks, 1, memory_order_relaxed);
	if (violation != VIOLATION_NONE || w->acks >= w->ack_wanted)
		pthread_cond_broadcast(&w->change);
}

static void give_back(struct session *session, const struct op *op, int64_t inv_ns,
		      struct ledger_outcome *out, struct answer *answer)
{
	struct workload *w = session->workload;
	bool page = op->verb == VERB_LIST && out->kind == OUTCOME_OK;
	const struct list_text *list = &session->list;

	pthread_mutex_lock(&w->lock);
	out->res_ns = process_now_ns();
	out->res_seq = ++w->sequence;
	if (w->options.ledger)
		answer->violation = oracle_return(w->oracle, out, page ? list->text : NULL,
						  page ? op->after : NULL, page ? list->last : NULL,
						  page && answer->after[0]);
	count(w, out, op->verb, inv_ns, answer->violation);
	pthread_mutex_unlock(&w->lock);
	answer->outcome = out->kind;
	answer->status = out->status;
	answer->size = out->size;
	memcpy(answer->tag, out->tag, sizeof(answer->tag));
}

/* Keeps the first failure of the harness itself and wakes who waits. */
static int fail(struct workload *w, int rc, const struct why *why)
{
	pthread_mutex_lock(&w->lock);
	if (!w->error) {
		w->error = rc;
		w->why = *why;
	}
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static int fail_ledger(struct workload *w, int rc)
{
	struct why why = {""};

	ledger_error(w->options.ledger, &why);
	return fail(w, rc, &why);
}

static size_t answer_max(const struct workload *w, enum verb verb)
{
	if (verb == VERB_LIST)
		return LIST_MAX;
	if (verb == VERB_GET || verb == VERB_RANGE)
		return (size_t)w->options.plan->workload.size_max + ANSWER_SLACK;
	return ANSWER_MAX;
}

/* Sends it, once more after another pause while the plan wants that and it is not clear what came of
 * it; to the next endpoint each time. */
static int send_until_clear(struct session *session, const struct op *op, int endpoint,
			    const struct ledger_intent *intent, struct ledger_outcome *outcome,
			    struct answer *answer)
{
	struct workload *w = session->workload;
	/* The probe asks whether the store answers, not whether it does in the end. */
	bool retries_all = is_mutation(op->verb) && session->worker >= 0;
	int64_t retries = retries_all ? w->options.plan->workload.retries : 0;
	struct driver_prefixed prefixed;
	const struct op *sent = driver_prefix_op(&prefixed, op, w->options.prefix);
	struct client_result result;
	struct request request;
	struct why why = {""};

	for (;;) {
		int rc = w->options.driver->request(w->store, sent, endpoint, &request, &why);
		if (rc < 0)
			return fail(w, rc, &why);
		client_send(session->client, &request, is_mutation(op->verb), session->body,
			    (size_t)intent->size, answer_max(w, op->verb), &result);
		outcome->status = result.reply.status;
		outcome->error = result.error;
		outcome->sent += result.sent;
		outcome->sends += result.sends;
		judge_reply(session, op, sent, &result, outcome, answer);
		if (outcome->kind == OUTCOME_NOT_APPLIED && outcome->sends > result.sends)
			outcome->kind = OUTCOME_AMBIGUOUS; /* an earlier one may have been */
		if ((outcome->kind != OUTCOME_AMBIGUOUS && outcome->kind != OUTCOME_NOT_APPLIED) ||
		    outcome->attempts > retries || atomic_load(&w->stopping))
			return 0;
		again(w, outcome);
		workload_pause(w, (RETRY_MS * INT64_C(1000000)) << outcome->attempts++);
		endpoint = (endpoint + 1) % w->options.endpoints;
	}
}

int session_do(struct session *session, const struct op *op, int endpoint, uint64_t size,
	       struct answer *answer)
{
	struct workload *w = session->workload;
	struct ledger *ledger = w->options.ledger;
	struct ledger_intent intent;
	int rc;

	memset(answer, 0, sizeof(*answer));
	prepare(session, op, endpoint, size, &intent);
	invoke(w, &intent);
	if (ledger && (rc = ledger_intent(ledger, &intent)) < 0)
		return fail_ledger(w, rc);

	struct ledger_outcome outcome = {.op = intent.op, .attempts = 1};
	rc = send_until_clear(session, op, endpoint, &intent, &outcome, answer);
	if (rc < 0)
		return rc;
	give_back(session, op, intent.inv_ns, &outcome, answer);
	if (!ledger)
		return 0;
	/* The page first: a ledger that is cut between them must not tell of an empty listing. */
	if (op->verb == VERB_LIST && outcome.kind == OUTCOME_OK)
		rc = ledger_page(ledger, intent.op, op->after, session->list.last,
				 answer->after[0] != '\0', session->list.text);
	if (rc == 0)
		rc = ledger_outcome(ledger, &outcome);
	return rc < 0 ? fail_ledger(w, rc) : 0;
}

bool answer_is_final(const struct answer *answer)
{
	return answer->outcome != OUTCOME_NOT_APPLIED && answer->outcome != OUTCOME_AMBIGUOUS;
}
