import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { validate } from '../pipeline/schema.ts';
import type { StoredState } from '../store/store.ts';

/**
 * The state as handlers see it. One that was stored under an older version is upgraded and checked by the schema; throws
 * `MILL_INVALID_STATE` when it does not fit, or was written by a newer pipeline than this one.
 */
export function readState(pipeline: AnyPipeline, stored: StoredState | null): unknown {
  if (stored === null || pipeline.state === undefined) return undefined;
  const { version, upgrade, schema } = pipeline.state;
  const state: unknown = JSON.parse(stored.json);
  if (stored.version === version) return state;
  if (stored.version > version)
    refuse(pipeline, `expected version ${version} or older, found version ${stored.version} of a newer pipeline`);
  const upgraded = validate(schema, upgrade(state, stored.version));
  if (upgraded instanceof Promise) return refuse(pipeline, 'expected a synchronous schema, found an asynchronous one');
  if (upgraded.ok) return upgraded.value;
  const issues = upgraded.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return refuse(pipeline, `upgrading from version ${stored.version} to ${version}: ${issues}`);
}

function refuse(pipeline: AnyPipeline, message: string): never {
  throw new MillraceError('MILL_INVALID_STATE', `state of pipeline ${pipeline.name}: ${message}`);
}
