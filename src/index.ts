/** The public API: everything that a program needs to declare pipelines, run an engine, and serve it. */
export type { ConfigurationOf, Environment, Setting, Settings } from './configuration/setting.ts';
export { durationUpTo, integerBetween, type Values } from './configuration/values.ts';
export type { CircuitOptions, CircuitStatus } from './delivery/circuit.ts';
export { type HttpOptions, type HttpTransport, http } from './delivery/http.ts';
export { type HttpResponse, type Judge, retryAfterMs } from './delivery/response.ts';
export { isWebhookSecret } from './delivery/signature.ts';
export type { Clock } from './engine/clock.ts';
export type { PipelineCounts } from './engine/counts.ts';
export type { Ingested, Judged } from './engine/door.ts';
export type { IngestOptions } from './engine/identify.ts';
export type { Leftover } from './engine/leftovers/leftover.ts';
export { defaultLimits, type Limits } from './engine/limits.ts';
export type { Log } from './engine/log.ts';
export { type Health, type KeyStatus, type Mill, type MillOptions, millrace, type StopOptions } from './engine/mill.ts';
export type { ScheduleControl, ScheduleStatus } from './engine/schedules/schedules.ts';
export type { Span, SpanAttributes, Tracing } from './engine/tracing.ts';
export { type ErrorCode, errorTable, type Issue, MillraceError } from './errors.ts';
export type { Duration } from './pipeline/duration.ts';
export type {
  Answer,
  DeliveryOutcome,
  DeliveryRetry,
  EndpointOptions,
  OutgoingCall,
  Transport,
  TransportLog,
} from './pipeline/endpoint.ts';
export { type AnyPipeline, type Pipeline, type PipelineInput, type PipelineState, pipeline } from './pipeline/pipeline.ts';
export type { GapPolicy, HandlerPlace, OrderByNumber, PipelineOptions, RetryPolicy, VersionedState } from './pipeline/pipeline-options.ts';
export type { Cadence, ScheduleOptions, Source, SourceRun } from './pipeline/schedule.ts';
export { type ChangedRowOf, type ColumnType, type RowOf, type StoredRowOf, type Table, table } from './pipeline/table.ts';
export type { QueryTables, TableQuery } from './pipeline/table-query.ts';
export type { DeliverOptions, Timers, Turn, TurnLog } from './pipeline/turn.ts';
export { type UnreadableColumn, unreadableColumns } from './pipeline/unreadable.ts';
export { answerBatch, BatchAnswer } from './server/batch.ts';
export { type IngestRequest, type IngestRouteOptions, ingestRoute } from './server/ingest-route.ts';
export type { InexactNumbers } from './server/json-body.ts';
export { decodeCursor, encodeCursor, type Page, type PageOptions, pageOf, pageParameters, pageSchema } from './server/page.ts';
export { jsonSchemaOf, parseRequest } from './server/parse-request.ts';
export { type ExactValue, exactly, exactValue, rowErrors, withRowErrors } from './server/row-errors.ts';
export { type ConfigurableSystem, configure, type System, type SystemParts, system } from './server/system.ts';
export { traceOf } from './server/trace-header.ts';
export { type TableSourceOptions, tableSource } from './sources/table-source.ts';
export { memory } from './store/memory/memory-store.ts';
export { type SqliteOptions, sqlite } from './store/sqlite/sqlite-store.ts';
export type { DeadLetter, Store } from './store/store.ts';
export { openTelemetry } from './telemetry/tracing.ts';
