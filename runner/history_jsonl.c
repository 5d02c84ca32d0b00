/* history_jsonl.c - one JSON object an operation: see history_read.h. */
#include "runner/history_read_impl.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *const kinds[JUDGE_KIND_COUNT] = {
	[JUDGE_PUT] = "put",       [JUDGE_DELETE] = "delete",   [JUDGE_TAKE] = "take",
	[JUDGE_CAS] = "cas",       [JUDGE_APPEND] = "append",   [JUDGE_READ] = "read",
	[JUDGE_ABSENT] = "absent", [JUDGE_PRESENT] = "present", [JUDGE_UNEQUAL] = "unequal",
};
static const char *const outcomes[] = {
	[JUDGE_KNOWN] = "known",
	[JUDGE_AMBIGUOUS] = "ambiguous",
	[JUDGE_FAILED] = "failed",
};

/* *out is the index of the text among names; as it was if the field is left out. */
static int field_among(struct reading *r, const json_t *object, const char *field,
		       const char *const *names, int count, uint8_t *out)
{
	const json_t *j = json_object_get(object, field);
	const char *text = json_string_value(j);

	if (!j)
		return 0;
	for (int i = 0; text && i < count; i++)
		if (!strcmp(text, names[i])) {
			*out = (uint8_t)i;
			return 0;
		}
	return text ? why_set(r->why, -EINVAL, "\"%s\" can't be \"%.40s\"", field, text)
		    : why_set(r->why, -EINVAL, "\"%s\" wants a text", field);
}

static int field_number(struct reading *r, const json_t *object, const char *field, uint64_t *out)
{
	const json_t *j = json_object_get(object, field);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return why_set(r->why, -EINVAL, "\"%s\" wants a whole number, 0 or more", field);
	*out = (uint64_t)json_integer_value(j);
	return 0;
}

static int field_value(struct reading *r, const json_t *object, const char *field, bool wanted,
		       uint64_t *out)
{
	const json_t *j = json_object_get(object, field);
	char digits[32];

	if (!wanted)
		return 0;
	if (!j)
		return why_set(r->why, -EINVAL, "no \"%s\"", field);
	if (json_is_null(j)) {
		*out = JUDGE_NOTHING;
		return 0;
	}
	if (json_is_integer(j)) {
		int n = snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(j));
		return reading_value(r, digits, (size_t)n, out);
	}
	if (!json_is_string(j))
		return why_set(r->why, -EINVAL, "\"%s\" wants a text, a whole number or null",
			       field);
	return reading_value(r, json_string_value(j), json_string_length(j), out);
}

/* What a kind means with nothing for its value. */
static void settle_nothing(struct judge_op *op)
{
	if (op->value == JUDGE_NOTHING && op->kind == JUDGE_PUT)
		op->kind = JUDGE_DELETE;
	if (op->value == JUDGE_NOTHING && op->kind == JUDGE_READ)
		op->kind = JUDGE_ABSENT;
}

static int check(struct reading *r, const json_t *object, const struct judge_op *op)
{
	bool register_only =
		op->kind == JUDGE_CAS || op->kind == JUDGE_TAKE || op->kind == JUDGE_UNEQUAL;

	if (!json_object_get(object, "do"))
		return why_set(r->why, -EINVAL, "no \"do\"");
	if (!json_is_integer(json_object_get(object, "inv")))
		return why_set(r->why, -EINVAL, "no \"inv\"");
	if (op->res < op->inv)
		return why_set(r->why, -EINVAL, "it ends before it begins");
	if (op->res == JUDGE_NEVER && op->outcome == JUDGE_KNOWN)
		return why_set(r->why, -EINVAL, "it is known, but has no \"res\"");
	if (op->kind == JUDGE_APPEND)
		return reading_model(r, MODEL_TEXT);
	return register_only ? reading_model(r, MODEL_REGISTER) : 0;
}

/* A read without an answer has none. */
static bool has_value(const struct judge_op *op)
{
	return op->kind == JUDGE_PUT || op->kind == JUDGE_CAS || op->kind == JUDGE_APPEND ||
	       (op->kind == JUDGE_READ && op->outcome == JUDGE_KNOWN);
}

static int read_object(struct reading *r, const json_t *object)
{
	const json_t *key = json_object_get(object, "key");
	struct judge_op op = {.res = JUDGE_NEVER, .id = r->line};
	uint64_t client = 0;
	uint32_t number;
	int rc = field_among(r, object, "do", kinds, JUDGE_KIND_COUNT, &op.kind);

	if (!rc)
		rc = field_number(r, object, "inv", &op.inv);
	if (!rc)
		rc = field_number(r, object, "res", &op.res);
	if (!rc)
		rc = field_number(r, object, "op", &op.id);
	if (!rc)
		rc = field_number(r, object, "client", &client);
	op.client = (uint32_t)client;
	op.outcome = op.res == JUDGE_NEVER ? JUDGE_AMBIGUOUS : JUDGE_KNOWN;
	if (!rc)
		rc = field_among(r, object, "outcome", outcomes, JUDGE_FAILED + 1, &op.outcome);
	if (!rc)
		rc = check(r, object, &op);
	if (!rc)
		rc = field_value(r, object, "value", has_value(&op), &op.value);
	if (!rc)
		rc = field_value(r, object, "expect",
				 op.kind == JUDGE_CAS || op.kind == JUDGE_UNEQUAL, &op.expect);
	if (!rc && key && !json_is_string(key))
		rc = why_set(r->why, -EINVAL, "\"key\" wants a text");
	if (rc)
		return rc;
	settle_nothing(&op);
	return reading_add(r, key ? json_string_value(key) : "", key ? json_string_length(key) : 0,
			   &op, &number);
}

static int read_cut(struct reading *r, const json_t *object)
{
	static const char *const contracts[] = {"sync", "bounded", "none"};
	uint8_t contract = 2;
	uint64_t within = 0;
	struct judge_cut cut = {.since = 0};
	int rc = field_among(r, object, "contract", contracts, 3, &contract);

	if (!rc)
		rc = field_number(r, object, "cut", &cut.at);
	if (!rc)
		rc = field_number(r, object, "within", &within);
	if (!rc && (contract == 1) != (within > 0))
		rc = why_set(r->why, -EINVAL, "\"within\" goes with \"bounded\"");
	if (!rc && r->cuts == HISTORY_CUTS_MAX)
		rc = why_set(r->why, -EINVAL, "more than %d cuts", HISTORY_CUTS_MAX);
	if (!rc && r->cuts && r->cut[r->cuts - 1].at >= cut.at)
		rc = why_set(r->why, -EINVAL, "it is not after the cut before");
	if (rc)
		return rc;
	if (contract == 0)
		cut.since = cut.at;
	else if (contract == 1 && within < cut.at)
		cut.since = cut.at - within;
	r->cut[r->cuts++] = cut;
	return reading_model(r, MODEL_REGISTER);
}

int history_jsonl_line(struct reading *r, char *line)
{
	json_error_t error;
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!object)
		return why_set(r->why, -EINVAL, "%s", error.text);
	rc = !json_is_object(object)          ? why_set(r->why, -EINVAL, "wanted an object")
	     : json_object_get(object, "cut") ? read_cut(r, object)
					      : read_object(r, object);
	json_decref(object);
	return rc;
}
