-- A database as schema version 6 left it: written by an engine of that version, whose keys were being told when it stopped.
CREATE TABLE millrace_dead_letters (
  id TEXT NOT NULL PRIMARY KEY, pipeline TEXT NOT NULL, slice INTEGER NOT NULL, key TEXT NOT NULL,
  reason TEXT NOT NULL, failed_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
  position INTEGER, "order" INTEGER, number_from INTEGER, number_to INTEGER, parked INTEGER NOT NULL,
  resolved INTEGER NOT NULL, timer_name TEXT, timer_due_at INTEGER, timer_data TEXT, delivery TEXT, origin TEXT,
  stack TEXT
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_deliveries_carts" (
  place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
  flow TEXT NOT NULL DEFAULT '', ordered INTEGER NOT NULL, waits INTEGER NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER,
  asked_at INTEGER NOT NULL, url TEXT, traceparent TEXT, body TEXT NOT NULL, UNIQUE (endpoint, key, id)
  ) STRICT;
CREATE TABLE "millrace_deliveries_orders" (
  place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
  flow TEXT NOT NULL DEFAULT '', ordered INTEGER NOT NULL, waits INTEGER NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER,
  asked_at INTEGER NOT NULL, url TEXT, traceparent TEXT, body TEXT NOT NULL, UNIQUE (endpoint, key, id)
  ) STRICT;
CREATE TABLE "millrace_gaps_carts" (
  key TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL, "first" INTEGER NOT NULL, since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_gaps_orders" (
  key TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL, "first" INTEGER NOT NULL, since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_held_carts" (
  key TEXT NOT NULL, "order" INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at INTEGER,
  PRIMARY KEY (key, "order")
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_held_orders" (
  key TEXT NOT NULL, "order" INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at INTEGER,
  PRIMARY KEY (key, "order")
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_id_buckets_carts" (
  bucket INTEGER NOT NULL PRIMARY KEY, capacity INTEGER NOT NULL, ids INTEGER NOT NULL, newest INTEGER NOT NULL,
  filter BLOB
  ) STRICT;
CREATE TABLE "millrace_id_buckets_orders" (
  bucket INTEGER NOT NULL PRIMARY KEY, capacity INTEGER NOT NULL, ids INTEGER NOT NULL, newest INTEGER NOT NULL,
  filter BLOB
  ) STRICT;
CREATE TABLE "millrace_ids_carts" (
  bucket INTEGER NOT NULL, id TEXT NOT NULL, accepted_at INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_ids_orders" (
  bucket INTEGER NOT NULL, id TEXT NOT NULL, accepted_at INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_keys_carts" (
  key TEXT NOT NULL PRIMARY KEY, state TEXT, state_version INTEGER, next INTEGER, parked INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_keys_orders" (
  key TEXT NOT NULL PRIMARY KEY, state TEXT, state_version INTEGER, next INTEGER, parked INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_log_carts" (
  position INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL, number INTEGER,
  accepted_at INTEGER NOT NULL, body TEXT NOT NULL, traceparent TEXT, origin TEXT
  ) STRICT;
CREATE TABLE "millrace_log_orders" (
  position INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL, number INTEGER,
  accepted_at INTEGER NOT NULL, body TEXT NOT NULL, traceparent TEXT, origin TEXT
  ) STRICT;
CREATE TABLE millrace_meta (name TEXT NOT NULL PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE millrace_partitions (
  pipeline TEXT NOT NULL, slice INTEGER NOT NULL, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL,
  PRIMARY KEY (pipeline, slice)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE millrace_paused (pipeline TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE millrace_state_shapes (
  pipeline TEXT NOT NULL, version INTEGER NOT NULL, shape TEXT NOT NULL, PRIMARY KEY (pipeline, version, shape)
) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_timers_carts" (
  key TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL, data TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, PRIMARY KEY (key, name)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE "millrace_timers_orders" (
  key TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL, data TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, PRIMARY KEY (key, name)
  ) STRICT, WITHOUT ROWID;
CREATE INDEX millrace_idx_dead_letters_key ON millrace_dead_letters (pipeline, key);
CREATE INDEX millrace_idx_dead_letters_listed ON millrace_dead_letters (id) WHERE resolved = 0;
CREATE INDEX millrace_idx_dead_letters_listed_both ON millrace_dead_letters (pipeline, key, id) WHERE resolved = 0;
CREATE INDEX millrace_idx_dead_letters_listed_key ON millrace_dead_letters (key, id) WHERE resolved = 0;
CREATE INDEX millrace_idx_dead_letters_listed_pipeline ON millrace_dead_letters (pipeline, id) WHERE resolved = 0;
CREATE INDEX millrace_idx_dead_letters_origin ON millrace_dead_letters (pipeline, origin) WHERE origin IS NOT NULL;
CREATE INDEX millrace_idx_dead_letters_position ON millrace_dead_letters (pipeline, position);
CREATE INDEX "millrace_idx_deliveries_due_carts" ON "millrace_deliveries_carts" (endpoint, due_at) WHERE waits = 0;
CREATE INDEX "millrace_idx_deliveries_due_orders" ON "millrace_deliveries_orders" (endpoint, due_at) WHERE waits = 0;
CREATE INDEX "millrace_idx_deliveries_flow_carts" ON "millrace_deliveries_carts" (endpoint, flow, due_at) WHERE waits = 0;
CREATE INDEX "millrace_idx_deliveries_flow_orders" ON "millrace_deliveries_orders" (endpoint, flow, due_at) WHERE waits = 0;
CREATE INDEX "millrace_idx_deliveries_line_carts" ON "millrace_deliveries_carts" (endpoint, key) WHERE ordered = 1;
CREATE INDEX "millrace_idx_deliveries_line_orders" ON "millrace_deliveries_orders" (endpoint, key) WHERE ordered = 1;
CREATE INDEX "millrace_idx_gaps_carts" ON "millrace_gaps_carts" (since, key);
CREATE INDEX "millrace_idx_gaps_orders" ON "millrace_gaps_orders" (since, key);
CREATE INDEX "millrace_idx_log_origin_carts" ON "millrace_log_carts" (origin) WHERE origin IS NOT NULL;
CREATE INDEX "millrace_idx_log_origin_orders" ON "millrace_log_orders" (origin) WHERE origin IS NOT NULL;
CREATE INDEX "millrace_idx_timers_carts" ON "millrace_timers_carts" (due_at);
CREATE INDEX "millrace_idx_timers_orders" ON "millrace_timers_orders" (due_at);
INSERT INTO "millrace_dead_letters" VALUES ('01a22dab-1fe9-763f-8807-2a98fca130f4', 'orders', 0, 'broken', 'timer outcome/shop/ü “2”: not today', 1796062519273, 1, NULL, NULL, NULL, NULL, 0, 0, 'outcome/shop/ü “2”', 1796062519273, '{"id":"ü “2”","at":1796062519273,"status":"delivered","attempts":1,"answer":{"ok":true}}', NULL, NULL, 'Error: not today
    at Object.outcome (file:///tmp/oc6/make.ts:19:44)');
INSERT INTO "millrace_dead_letters" VALUES ('01a22dab-1fea-73e2-a9ed-5f9e33172a4b', 'carts', 0, 'broken', 'timer outcome/shop/ü “2”: not today', 1796062519274, 1, NULL, NULL, NULL, NULL, 0, 0, 'outcome/shop/ü “2”', 1796062519274, '{"id":"ü “2”","at":1796062519274,"status":"delivered","attempts":1,"answer":{"ok":true}}', NULL, NULL, 'Error: not today
    at Object.outcome (file:///tmp/oc6/make.ts:19:44)');
INSERT INTO "millrace_keys_carts" VALUES ('broken', '{"seen":["event"]}', 1, NULL, 0);
INSERT INTO "millrace_keys_carts" VALUES ('stuck', '{"seen":["event"]}', 1, NULL, 0);
INSERT INTO "millrace_keys_orders" VALUES ('broken', '{"seen":["event"]}', 1, NULL, 0);
INSERT INTO "millrace_keys_orders" VALUES ('stuck', '{"seen":["event"]}', 1, NULL, 0);
INSERT INTO "millrace_log_carts" VALUES (1, 'stuck', '01a22dab-1fb2-7518-a62d-d03c879c2863', NULL, 1796062519218, '{"key":"stuck","tell":["o/1","plain"]}', NULL, NULL);
INSERT INTO "millrace_log_carts" VALUES (2, 'broken', '01a22dab-1fb2-7518-a62d-d44489c7461a', NULL, 1796062519218, '{"key":"broken","tell":["ü “2”"]}', NULL, NULL);
INSERT INTO "millrace_log_orders" VALUES (1, 'stuck', '01a22dab-1fab-7095-aafa-8e1c12e1873b', NULL, 1796062519210, '{"key":"stuck","tell":["o/1","plain"]}', NULL, NULL);
INSERT INTO "millrace_log_orders" VALUES (2, 'broken', '01a22dab-1fad-7563-980e-23a2bdc2bede', NULL, 1796062519213, '{"key":"broken","tell":["ü “2”"]}', NULL, NULL);
INSERT INTO "millrace_meta" VALUES ('schema_version', 6);
INSERT INTO "millrace_partitions" VALUES ('carts', 0, 1, 2);
INSERT INTO "millrace_partitions" VALUES ('orders', 0, 1, 2);
INSERT INTO "millrace_state_shapes" VALUES ('carts', 1, '_zS2Pzl4K3I581YKrg_PCQh1e7KjEZiFaedzxYrIIfc');
INSERT INTO "millrace_state_shapes" VALUES ('orders', 1, '_zS2Pzl4K3I581YKrg_PCQh1e7KjEZiFaedzxYrIIfc');
INSERT INTO "millrace_timers_carts" VALUES ('broken', 'wake', 4000000000000, '{"é":1}', 0, NULL);
INSERT INTO "millrace_timers_carts" VALUES ('stuck', 'outcome/shop/o/1', 1796062519273, '{"id":"o/1","at":1796062519273,"status":"delivered","attempts":1,"answer":{"ok":true}}', 0, NULL);
INSERT INTO "millrace_timers_carts" VALUES ('stuck', 'outcome/shop/plain', 1796062519274, '{"id":"plain","at":1796062519274,"status":"delivered","attempts":1,"answer":{"ok":true}}', 0, NULL);
INSERT INTO "millrace_timers_carts" VALUES ('stuck', 'wake', 4000000000000, '{"é":1}', 0, NULL);
INSERT INTO "millrace_timers_orders" VALUES ('broken', 'wake', 4000000000000, '{"é":1}', 0, NULL);
INSERT INTO "millrace_timers_orders" VALUES ('stuck', 'outcome/shop/o/1', 1796062519272, '{"id":"o/1","at":1796062519272,"status":"delivered","attempts":1,"answer":{"ok":true}}', 0, NULL);
INSERT INTO "millrace_timers_orders" VALUES ('stuck', 'outcome/shop/plain', 1796062519273, '{"id":"plain","at":1796062519273,"status":"delivered","attempts":1,"answer":{"ok":true}}', 0, NULL);
INSERT INTO "millrace_timers_orders" VALUES ('stuck', 'wake', 4000000000000, '{"é":1}', 0, NULL);
INSERT INTO sqlite_sequence VALUES ('millrace_deliveries_orders', 3);
INSERT INTO sqlite_sequence VALUES ('millrace_deliveries_carts', 3);
