-- The ledger of a run. Evidence is inserted once and never updated: a row says what was known at its
-- moment, what followed is another row. Judgements are appended beside and never rewrite evidence.
-- No index but the operation's while ingesting; readers sort. Times are CLOCK_MONOTONIC in ns;
-- inv_seq and res_seq come from one counter and break ties.
PRAGMA application_id = 0x6661696c;
PRAGMA user_version = 2;

CREATE TABLE run(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;  -- plan, seed, run_id, contract, versions, driver, can, survivor (a pid: no restart is a fence)
CREATE TABLE spool(batch INTEGER NOT NULL) STRICT;                         -- the last one that is in here (ledger_spool.h)
INSERT INTO spool VALUES(0);
CREATE TABLE epoch(epoch INTEGER PRIMARY KEY, boot TEXT NOT NULL, wall_ns INTEGER NOT NULL,
  mono_ns INTEGER NOT NULL) STRICT;                                        -- one more for each resume
CREATE TABLE phase(ns INTEGER NOT NULL, name TEXT NOT NULL) STRICT;        -- boot, warmup, chaos, heal, quiet, sweep, end
CREATE TABLE object(object INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;

CREATE TABLE intent(op INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, worker INTEGER NOT NULL,
  endpoint INTEGER NOT NULL, verb INTEGER NOT NULL, object INTEGER, generation INTEGER, size INTEGER,
  offset INTEGER, length INTEGER, condition TEXT, tag TEXT,                -- a put only if this tag (*: nothing) is there; tag of the body
  inv_ns INTEGER NOT NULL, inv_seq INTEGER NOT NULL) STRICT;
CREATE TABLE outcome(op INTEGER PRIMARY KEY, res_ns INTEGER NOT NULL, res_seq INTEGER NOT NULL,
  kind INTEGER NOT NULL, status INTEGER, error INTEGER,                    -- enum outcome; HTTP; CURLcode
  sent INTEGER, sends INTEGER,                                             -- bytes; times it left: 2 means maybe twice
  seen INTEGER, size INTEGER, tag TEXT, first INTEGER, last INTEGER,       -- generation read (0 absent), told size and tag, range
  mark INTEGER, attempts INTEGER NOT NULL DEFAULT 1) STRICT;               -- byte-level finding (body.h), 0 none; times the client tried
CREATE TABLE page(op INTEGER PRIMARY KEY, after BLOB, last BLOB, more INTEGER NOT NULL,
  entries BLOB NOT NULL) STRICT;                                           -- JSON array of [key, size, tag]

CREATE TABLE fault(fault INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, node TEXT,
  atom TEXT NOT NULL, gate TEXT) STRICT;                                   -- the schedule, before anything starts
CREATE TABLE fault_event(fault INTEGER NOT NULL, ns INTEGER NOT NULL, event TEXT NOT NULL,
  fires INTEGER, detail TEXT) STRICT;                                      -- reached, applying, applied, fired, healing, healed, gated, failed, unrecovered
CREATE TABLE fire(ring INTEGER PRIMARY KEY, ns INTEGER NOT NULL, fault INTEGER, rule TEXT NOT NULL,
  node TEXT, pid INTEGER, tid INTEGER, site TEXT, action TEXT, ordinal INTEGER, subject TEXT,
  result INTEGER, error INTEGER) STRICT;
CREATE TABLE fired(fault INTEGER PRIMARY KEY, fires INTEGER NOT NULL) STRICT;  -- rows of fire that compaction took
CREATE TABLE finding(ns INTEGER NOT NULL, code TEXT NOT NULL, key TEXT NOT NULL,
  text TEXT NOT NULL) STRICT;                                              -- what the run itself saw: SUT-CRASH, UNRECOVERED
CREATE TABLE state(ns INTEGER NOT NULL, node TEXT NOT NULL, state TEXT NOT NULL, pid INTEGER,
  log TEXT) STRICT;                                                        -- of each node, when a gate was not met
CREATE TABLE gate(fault INTEGER, gate TEXT, step TEXT, started_ns INTEGER, met_ns INTEGER, state TEXT) STRICT;
CREATE TABLE process(node TEXT, pid INTEGER, started_ns INTEGER, ended_ns INTEGER, status INTEGER,
  cause TEXT) STRICT;                                                      -- at its end: asked, rule, crashed, end
CREATE TABLE command(started_ns INTEGER, ended_ns INTEGER, node TEXT, line TEXT, status INTEGER, output TEXT) STRICT;
CREATE TABLE metric(ns INTEGER, node TEXT, name TEXT, value REAL) STRICT;
CREATE TABLE escaped(ns INTEGER, node TEXT, comm TEXT, kind TEXT, call TEXT, subject TEXT, count INTEGER,
  reached INTEGER, reason TEXT) STRICT;                                    -- what no rule could meet; count 0: not counted
-- Left by compaction (compact.h), the two tables whose rows are replaced. base: what was there when a
-- key's history was cut, how much of it was judged to be possible, when. tally: what was cut, counted;
-- le_ns is the upper end of a class of latencies, 0 where there was no answer.
CREATE TABLE base(object INTEGER PRIMARY KEY, cut_seq INTEGER NOT NULL, cut_op INTEGER NOT NULL,
  generation INTEGER NOT NULL, size INTEGER NOT NULL, tag TEXT NOT NULL, op INTEGER NOT NULL,
  operations INTEGER NOT NULL, verified INTEGER NOT NULL, generations INTEGER NOT NULL,
  wall_ns INTEGER NOT NULL) STRICT;
CREATE TABLE tally(phase INTEGER NOT NULL, verb INTEGER NOT NULL, kind INTEGER NOT NULL,
  le_ns INTEGER NOT NULL, operations INTEGER NOT NULL, PRIMARY KEY(phase, verb, kind, le_ns))
  STRICT, WITHOUT ROWID;

CREATE TABLE judgement(judgement INTEGER PRIMARY KEY, ns INTEGER, oracle TEXT, verdict TEXT NOT NULL,
  reason TEXT) STRICT;
CREATE TABLE violation(violation INTEGER PRIMARY KEY, judgement INTEGER NOT NULL, code TEXT NOT NULL,
  object INTEGER, root INTEGER, followers INTEGER, text TEXT) STRICT;
CREATE TABLE witness(violation INTEGER, place INTEGER, op INTEGER, text TEXT,
  PRIMARY KEY(violation, place)) STRICT, WITHOUT ROWID;
