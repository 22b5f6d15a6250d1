import { stackOf } from '../fault.ts';
import { isThenable } from '../pipeline/thenable.ts';
import { type Logger, silentLogger } from './logger.ts';

/**
 * Wraps the logger of the embedding program so that none of its failures reaches the engine: a line that cannot be written fails no turn.
 * The first failure becomes a process warning, since the logger itself cannot report it.
 */
export function steadyLogger(log: Logger): Logger {
  if (log === silentLogger) return log;
  let hasFailed = false;
  return steady(log, (thrown) => {
    if (!hasFailed) process.emitWarning(`the engine's logger failed, and lines are missing: ${stackOf(thrown)}`, 'MillraceWarning');
    hasFailed = true;
  });
}

function steady(log: Logger, failed: (thrown: unknown) => void): Logger {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    try {
      const written: unknown = log[level](fields, message);
      // An untyped logger may be asynchronous.
      if (isThenable(written)) written.then(undefined, failed);
    } catch (thrown) {
      failed(thrown);
    }
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child(fields) {
      try {
        return steady(log.child(fields), failed);
      } catch (thrown) {
        failed(thrown);
        return silentLogger;
      }
    },
  };
}
