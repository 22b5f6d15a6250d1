import type { TurnLogger } from '../pipeline/turn.ts';
import type { Logger } from './logger.ts';

/** Makes the log that handlers write to. Handlers put the message first; the engine's log, like pino, puts the fields first. */
export function turnLogger(log: Logger): TurnLogger {
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  };
}
