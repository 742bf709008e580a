CREATE TABLE meta (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE word (id INTEGER PRIMARY KEY, t TEXT NOT NULL UNIQUE);
CREATE TABLE plan (print BLOB PRIMARY KEY, flow INTEGER NOT NULL, bundle BLOB NOT NULL) WITHOUT ROWID;

-- hot: only what is open; ids grow, so it is a queue: appended right, deleted left
-- lane and due are those of a parked run: so its indexes cost nothing while runs come and go
CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB NOT NULL, parked BLOB, lane TEXT, due INTEGER);
CREATE INDEX parked_lane ON event (lane) WHERE lane IS NOT NULL;
CREATE INDEX parked_due ON event (due) WHERE due IS NOT NULL;
CREATE TABLE froze (run INTEGER, n INTEGER, body BLOB NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;
-- remembered by flow and key until a run of the key ends well: a retry with a newer flow must not repeat one
CREATE TABLE effect (flow INTEGER, key TEXT, node TEXT, element TEXT, body BLOB NOT NULL,
  PRIMARY KEY (flow, key, node, element)) WITHOUT ROWID;
CREATE TABLE watermark (flow INTEGER, source BLOB, body BLOB NOT NULL, PRIMARY KEY (flow, source)) WITHOUT ROWID;
CREATE TABLE command (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, why TEXT, body BLOB NOT NULL, done BLOB);
-- keyed hashes of what was erased: it does not come back
CREATE TABLE gone (who BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

-- books of the connection `memory`; keys and what is found by are keyed hashes
CREATE TABLE book (name INTEGER, key BLOB, until INTEGER, body BLOB NOT NULL, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE INDEX book_until ON book (until) WHERE until IS NOT NULL;
CREATE TABLE holder (name INTEGER, col TEXT, value BLOB, key BLOB NOT NULL, PRIMARY KEY (name, col, value)) WITHOUT ROWID;

-- cold: append-only, trimmed from the left
CREATE TABLE past (run INTEGER PRIMARY KEY, flow INTEGER NOT NULL, key TEXT NOT NULL, outcome INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX past_key ON past (flow, key, run);
CREATE TABLE fact (flow INTEGER, id TEXT, run INTEGER NOT NULL, PRIMARY KEY (flow, id)) WITHOUT ROWID;
CREATE TABLE tally (flow INTEGER, hour INTEGER, outcome INTEGER, n INTEGER NOT NULL, ms INTEGER NOT NULL,
  PRIMARY KEY (flow, hour, outcome)) WITHOUT ROWID;
