/** The command line's API for commands that systems provide. It is not published: embedding programs use `src/index.ts`. */
export { readSetting } from '../configuration/setting.ts';
export { share } from '../configuration/values.ts';
export { messageOf } from '../errors.ts';
export { findInexactNumbers } from '../pipeline/inexact-numbers.ts';
export { levelsMax } from '../pipeline/json.ts';
export { createLogger } from '../telemetry/logger.ts';
export { readAddress, readDatabaseFlag, readLogLevel, usualPort } from './configuration.ts';
export { type Database, describeDatabase, readDatabase } from './database.ts';
export { type Progress, progressOf } from './progress.ts';
export { readFlag } from './read-flag.ts';
export { endWhenAsked, type StopOrders, stopRequested } from './stop-orders.ts';
export { storeFor } from './store-for.ts';
export type { Invocation, SystemCommand } from './system-commands.ts';
export { UsageError } from './usage-error.ts';
