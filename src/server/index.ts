/// <reference types="node" preserve="true" />
// Our declarations name types of Node.js. A program without the DOM has some of them only from there.

/** The public API of `millrace/server`: creates a server for an engine, declares the systems it serves, and adds routes to it. */
export type { ConfigurationOf, Environment, Setting, Settings } from '../configuration/setting.ts';
export { durationUpTo, integerBetween, type Values } from '../configuration/values.ts';
export { ProcessCounts } from '../telemetry/process-counts.ts';
export type { AccessOptions } from './access/guard.ts';
export type { Role } from './access/role.ts';
export type { Token } from './access/token.ts';
export { followTokens, Tokens, tokensIn } from './access/tokens.ts';
export { answerBatch, BatchAnswer } from './batch.ts';
export { whoOf } from './by-whom.ts';
export { signalOf } from './client-signal.ts';
export { createServer } from './create-server.ts';
export type { ConfigurableSystem, System, SystemParts } from './declared-system.ts';
export { type HttpLimits, httpLimits } from './http-limits.ts';
export { idempotencyKeyHeader, idempotencyKeyOf, refuseIdempotencyKey } from './idempotency-key.ts';
export type { IngestRequest, TakeIn } from './ingest-request.ts';
export { ingestRoute } from './ingest-route.ts';
export type { IngestRouteOptions } from './ingest-route-options.ts';
export type { InexactNumbers } from './json-body.ts';
export type { Address, MillServer } from './mill-server.ts';
export {
  decodeCursor,
  encodeCursor,
  forPage,
  type Page,
  pageOf,
  pageParameters,
  pageSchema,
  rowsOfPage,
} from './page.ts';
export type { PageOptions } from './page-options.ts';
export { jsonSchemaOf, parseRequest } from './parse-request.ts';
export { noQuery } from './query-parameters.ts';
export { type ExactValue, exactly, exactValue, rowErrors, withRowErrors } from './row-errors.ts';
export type { ServerOptions } from './server-options.ts';
export { configure, system } from './system.ts';
export { traceOf } from './trace-header.ts';
