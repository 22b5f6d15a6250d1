/// <reference types="node" preserve="true" />
// Our declarations name `AbortSignal`. A program without the DOM has it only from the types of Node.js.

import './keep-ticks.ts';

export type { CircuitOptions, CircuitStatus } from './delivery/circuit.ts';
export { type HttpTransport, http } from './delivery/http.ts';
export type { HttpOptions } from './delivery/http-options.ts';
export { type HttpResponse, type Judge, retryAfterMs } from './delivery/response.ts';
export { isWebhookSecret } from './delivery/signature.ts';
export type { Clock } from './engine/clock.ts';
export type { SeenCommit } from './engine/commit-watch.ts';
export type { PipelineCounts } from './engine/counts.ts';
export type { DistributionSnapshot } from './engine/distribution.ts';
export type { FleetMember, FleetStatus } from './engine/fleet/fleet.ts';
export type { IngestOptions } from './engine/identify.ts';
export type { SourcePosition, SourceStatus } from './engine/inlets/source-reader.ts';
export type { SourceTrouble } from './engine/inlets/source-troubles.ts';
export type { Leftover } from './engine/leftovers/leftover.ts';
export { defaultLimits, type Limits } from './engine/limits.ts';
export type { Logger } from './engine/logger.ts';
export { type Mill, millrace } from './engine/mill.ts';
export type {
  AskedOperation,
  ByWhom,
  DeliveryListQuery,
  DiscardOptions,
  Freshness,
  GapsQuery,
  Health,
  HeldByKey,
  HeldReason,
  KeyDetails,
  KeyListQuery,
  KeyStanding,
  KeyStatus,
  ListedKey,
  MillOptions,
  Operation,
  OperationFilter,
  ResolvedLetters,
  StopOptions,
  TimerListQuery,
  WaitingKey,
} from './engine/mill-options.ts';
export type { EndpointWaits } from './engine/outbox/endpoint-gate.ts';
export type { SilentAddress } from './engine/outbox/standings.ts';
export type { ReadOptions } from './engine/reads.ts';
export type { ScheduleControl, ScheduleStatus } from './engine/schedules/schedules.ts';
export type { SendLoop } from './engine/send-loop.ts';
export type { ToldItem } from './engine/timeline-items.ts';
export type { TimelineItem, TimelinePage, TimelinePlace } from './engine/timeline-page.ts';
export type { Span, SpanAttributes, Tracing } from './engine/tracing.ts';
export type { TurnName, Turns } from './engine/turns-under-way.ts';
export type { Ingested, Judged } from './engine/verdicts.ts';
export { type ErrorCode, errorTable, type Issue, MillraceError, type MillraceErrorOptions } from './errors.ts';
export { type KafkaTopic, kafka } from './inlets/kafka/kafka.ts';
export type { KafkaOptions, KafkaPartitioner, KafkaSasl } from './inlets/kafka/kafka-options.ts';
/**
 * The public API of `millrace`: everything a program needs to declare pipelines and run an engine. The HTTP server is `millrace/server`
 * (`server/index.ts`), stores are built from `millrace/store` (`store/index.ts`), and tests use `millrace/testing`.
 */
export type { CloudEventOptions } from './inlets/nats/cloud-event.ts';
export type { NatsConnectionOptions, NatsTlsOptions } from './inlets/nats/connection-options.ts';
export type { NatsDeliveryOptions } from './inlets/nats/delivery-options.ts';
export type { NatsInletOptions } from './inlets/nats/inlet-options.ts';
export { nats } from './inlets/nats/nats.ts';
export type { InletValue, ValueOptions } from './inlets/values.ts';
export { isCutShort, markCutShort } from './pipeline/cut-short.ts';
export type { Duration } from './pipeline/duration.ts';
export type {
  Answer,
  DeliveryOutcome,
  DeliveryRetry,
  Endpoint,
  EndpointOptions,
  OutgoingCall,
  Transport,
  TransportLogger,
} from './pipeline/endpoint.ts';
export type {
  Inlet,
  InletEvent,
  InletHeader,
  InletPartition,
  InletRead,
  InletRecord,
  InletRequest,
  InletTopic,
} from './pipeline/inlet.ts';
export type { JsonSchema } from './pipeline/json-schema.ts';
export {
  type AnyPipeline,
  type AnyRecipient,
  type DeclaredThreads,
  type Pipeline,
  type PipelineInput,
  type PipelineState,
  type Pipelines,
  type PipelinesOf,
  pipeline,
  type Recipient,
  type ResolvedOrder,
} from './pipeline/pipeline.ts';
export type {
  GapPolicy,
  HandlerPlace,
  HandlerResult,
  OrderByNumber,
  PipelineOptions,
  RetryPolicy,
  SkipPolicy,
  VersionedState,
} from './pipeline/pipeline-options.ts';
export type { Cadence, Schedule, ScheduleOptions, Source, SourceRun } from './pipeline/schedule.ts';
export type { Schema } from './pipeline/schema.ts';
export {
  type ChangedRowOf,
  type Columns,
  type ColumnType,
  type Enumeration,
  type FoundValue,
  type RowOf,
  type SqlValue,
  type StoredRowOf,
  type Table,
  type TableOptions,
  table,
} from './pipeline/table.ts';
export type { QueryTables, TableQuery } from './pipeline/table-query.ts';
export type { DeliverOptions, Tables, TimerDue, Timers, Turn, TurnLogger } from './pipeline/turn.ts';
export { type UnreadableColumn, unreadableColumns } from './pipeline/unreadable.ts';
export { type InboxInsert, type InboxOptions, type InboxTable, inboxInsert, inboxRow } from './sources/inbox.ts';
export { type TableSourceOptions, tableSource } from './sources/table-source.ts';
export { type MemoryOptions, memory } from './store/memory/memory-store.ts';
export type { MysqlOptions } from './store/mysql/mysql-options.ts';
export { mysql } from './store/mysql/mysql-store.ts';
export type { PostgresOptions } from './store/postgres/postgres-options.ts';
export { postgres } from './store/postgres/postgres-store.ts';
export { type SqliteOptions, sqlite } from './store/sqlite/sqlite-store.ts';
export type {
  AuditEntry,
  AuditQuery,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterKind,
  DeadLetterQuery,
  DeliveryFailure,
  DeliveryName,
  DeliveryOfKey,
  ListedDelivery,
  ListedTimer,
  LoggedEvent,
  NewDeadLetter,
  OperationQuery,
  OperationState,
  PartitionId,
  Store,
  StoredDelivery,
  StoredOutcome,
  StoredTimer,
  StoreStats,
  TimerPlace,
} from './store/store.ts';
export { openTelemetry } from './telemetry/tracing.ts';
