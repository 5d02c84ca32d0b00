/* ledger_schema.c - the text of ledger.sql, so that the schema has one source. */
#include "runner/ledger_write.h"

__asm__(".pushsection .rodata\n"
	".global ledger_schema\n"
	".type ledger_schema, @object\n"
	"ledger_schema:\n"
	".incbin \"runner/ledger.sql\"\n"
	".byte 0\n"
	".size ledger_schema, . - ledger_schema\n"
	".popsection\n");
