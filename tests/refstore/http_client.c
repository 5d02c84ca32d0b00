/* http_client.c - see http_client.h. */
#include "tests/refstore/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/refstore/node.h"

#define SUSPECT_MS   1000
#define SUSPECTS_MAX 64

/* Handles with the connections they keep. A free fan is the one that was used last: so there are
 * only as many as calls run at once, and they stay warm. */
struct fan {
	struct fan *next;
	CURLM *multi;
	CURL *easy[FAN_MAX];
	struct call *calls;
	int count, running;
};

static char interface[ADDRESS_MAX + 8];
static struct curl_slist *plain_headers;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fan *free_fans;
static struct suspect {
	char peer[ADDRESS_MAX];
	uint64_t until_ms;
} suspects[SUSPECTS_MAX];

void client_init(const char *own_host)
{
	curl_global_init(CURL_GLOBAL_ALL);
	if (*own_host)
		snprintf(interface, sizeof(interface), "host!%s", own_host);
	plain_headers = curl_slist_append(NULL, "Expect:");
	plain_headers = curl_slist_append(plain_headers, "Content-Type: application/octet-stream");
}

bool peer_is_suspect(const char *peer)
{
	uint64_t now = clock_ms();
	bool found = false;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SUSPECTS_MAX && !found; i++)
		found = suspects[i].until_ms > now && strcmp(suspects[i].peer, peer) == 0;
	pthread_mutex_unlock(&lock);
	return found;
}

static void suspect_set(const char *peer, uint64_t until_ms)
{
	struct suspect *use = &suspects[0];

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SUSPECTS_MAX; i++) {
		if (strcmp(suspects[i].peer, peer) == 0) {
			use = &suspects[i];
			break;
		}
		if (suspects[i].until_ms < use->until_ms)
			use = &suspects[i];
	}
	if (until_ms || strcmp(use->peer, peer) == 0) {
		snprintf(use->peer, sizeof(use->peer), "%s", peer);
		use->until_ms = until_ms;
	}
	pthread_mutex_unlock(&lock);
}

static size_t on_answer(char *data, size_t one, size_t size, void *arg)
{
	struct call *call = arg;

	(void)one;
	if (call->answer_length + size + 1 > call->answer_capacity) {
		size_t capacity = (call->answer_length + size + 1) * 2;
		char *answer =
			capacity <= 4 * (size_t)BODY_MAX ? realloc(call->answer, capacity) : NULL;

		if (!answer)
			return 0;
		call->answer = answer;
		call->answer_capacity = capacity;
	}
	memcpy(call->answer + call->answer_length, data, size);
	call->answer_length += size;
	call->answer[call->answer_length] = 0;
	return size;
}

static size_t on_send(char *to, size_t one, size_t size, void *arg)
{
	struct call *call = arg;
	size_t left = call->length - call->sent;

	(void)one;
	if (size > left)
		size = left;
	memcpy(to, (const char *)call->body + call->sent, size);
	call->sent += size;
	return size;
}

static CURL *easy_open(void)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	/* What is a text is copied, and so may be lost. */
	if (curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_INTERFACE, *interface ? interface : NULL) != CURLE_OK) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, plain_headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L << 10);
	return easy;
}

static void fan_close(struct fan *fan)
{
	for (int i = 0; i < FAN_MAX; i++)
		curl_easy_cleanup(fan->easy[i]);
	curl_multi_cleanup(fan->multi);
	free(fan);
}

/* One that lacks a part would be taken again and again: it is none. */
static struct fan *fan_open(void)
{
	struct fan *fan = calloc(1, sizeof(*fan));
	bool whole;

	if (!fan)
		return NULL;
	fan->multi = curl_multi_init();
	whole = fan->multi && curl_multi_setopt(fan->multi, CURLMOPT_MAXCONNECTS, 16L) == CURLM_OK;
	for (int i = 0; i < FAN_MAX; i++) {
		fan->easy[i] = easy_open();
		whole = whole && fan->easy[i];
	}
	if (whole)
		return fan;
	fan_close(fan);
	return NULL;
}

static struct fan *fan_take(void)
{
	pthread_mutex_lock(&lock);
	struct fan *fan = free_fans;
	if (fan)
		free_fans = fan->next;
	pthread_mutex_unlock(&lock);
	return fan ? fan : fan_open();
}

/* False: there is no memory to ask with. The target is given as a whole: of a URL libcurl leaves out
 * the query that it has no memory for, and what was asked would be something else. */
static bool call_begin(CURL *easy, struct call *call)
{
	char url[ADDRESS_MAX + 16];

	call->status = 0;
	call->answer_length = call->sent = 0;
	snprintf(url, sizeof(url), "http://%s/", call->peer);
	if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, call->path) != CURLE_OK)
		return false;
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	if (call->body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->length);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	return true;
}

struct fan *fan_start(struct call *calls, int count)
{
	struct fan *fan = fan_take();

	for (int i = 0; i < count; i++)
		calls[i].status = 0;
	if (!fan)
		return NULL;
	fan->calls = calls;
	fan->count = count < FAN_MAX ? count : FAN_MAX;
	for (int i = 0; i < fan->count; i++)
		if (call_begin(fan->easy[i], &calls[i]))
			curl_multi_add_handle(fan->multi, fan->easy[i]);
	curl_multi_perform(fan->multi, &fan->running);
	return fan;
}

static void call_end(CURL *easy, CURLcode code)
{
	struct call *call = NULL;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	if (code == CURLE_OK) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = (int)status;
		suspect_set(call->peer, 0);
	} else if (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) {
		suspect_set(call->peer, clock_ms() + SUSPECT_MS);
	}
}

void fan_finish(struct fan *fan)
{
	CURLMsg *message;
	int left;

	if (!fan)
		return;
	while (fan->running) {
		curl_multi_poll(fan->multi, NULL, 0, 1000, NULL);
		curl_multi_perform(fan->multi, &fan->running);
	}
	while ((message = curl_multi_info_read(fan->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			call_end(message->easy_handle, message->data.result);
	for (int i = 0; i < fan->count; i++)
		curl_multi_remove_handle(fan->multi, fan->easy[i]);

	pthread_mutex_lock(&lock);
	fan->next = free_fans;
	free_fans = fan;
	pthread_mutex_unlock(&lock);
}

int client_call(struct call *call)
{
	fan_finish(fan_start(call, 1));
	return call->status;
}

void call_fini(struct call *call)
{
	free(call->answer);
	call->answer = NULL;
	call->answer_length = call->answer_capacity = 0;
}

int client_json(const char *peer, const char *path, json_t *json, uint64_t timeout_ms,
		json_t **answer)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct call call = {
		.body = text, .length = text ? strlen(text) : 0, .timeout_ms = timeout_ms};

	snprintf(call.peer, sizeof(call.peer), "%s", peer);
	snprintf(call.path, sizeof(call.path), "%s", path);
	if (!json || text) /* without memory for its text it would be a GET */
		client_call(&call);
	json_decref(json);
	if (answer)
		*answer = call.status ? json_loadb(call.answer ? call.answer : "",
						   call.answer_length, 0, NULL)
				      : NULL;
	call_fini(&call);
	free(text);
	return call.status;
}
