import { createHash } from 'node:crypto';
import { MillraceError } from '../errors.ts';
import { summaryOf } from '../pipeline/issues.ts';
import { effectValue } from '../pipeline/json.ts';
import { jsonSchemaOf } from '../pipeline/json-schema.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { type Schema, type Validated, validate } from '../pipeline/schema.ts';
import type { DeclaredPipeline, StoredState } from '../store/store.ts';

/** A state that a turn has decided. */
export interface NextState {
  /** Shared with nobody else. */
  readonly value: unknown;
  /** Its stored form. */
  readonly stored: StoredState;
}

/**
 * Returns the state that a handler returned, as parsed by its schema. Throws `MILL_INVALID_EFFECT` if it does not fit the schema, or is not
 * JSON.
 */
export function nextState({ schema, version }: NonNullable<AnyPipeline['state']>, returned: unknown): NextState {
  const checked = validated(schema, returned);
  if (!checked.ok) throw new MillraceError('MILL_INVALID_EFFECT', `next state: ${summaryOf(checked)}`, checked);
  const value = effectValue(checked.value, 'next state');
  return { value, stored: { json: JSON.stringify(value), version } };
}

/**
 * Returns the state as handlers see it. One stored under an older version is upgraded and then checked by the schema; so is any state that
 * may have been stored under another shape of the schema (`isProven` false). Throws `MILL_INVALID_STATE` if it does not fit, or was written
 * by a newer pipeline.
 */
export function readState(pipeline: AnyPipeline, stored: StoredState | null, isProven: boolean): unknown {
  if (stored === null || pipeline.state === undefined) return undefined;
  const { version, upgrade, schema } = pipeline.state;
  const state: unknown = JSON.parse(stored.json);
  if (stored.version === version && isProven) return state;
  if (stored.version > version)
    refuse(pipeline, `expected version ${version} or older, found version ${stored.version} of a newer pipeline`);
  const isUpgraded = stored.version < version;
  const checked = validated(schema, isUpgraded ? upgrade(state, stored.version) : state);
  if (checked.ok) return checked.value;
  if (isUpgraded) return refuse(pipeline, `upgrading from version ${stored.version} to ${version}: ${summaryOf(checked)}`);
  return refuse(
    pipeline,
    `expected a state that fits the current schema, found one stored under another shape of version ${version}: ${summaryOf(checked)}. Raise the version and provide an upgrade.`,
  );
}

/**
 * Describes how a pipeline's states are stored, for the store to remember. Undefined if there is no state, or its schema cannot be
 * distinguished from others.
 */
export function declaredState({ state }: AnyPipeline): Pick<DeclaredPipeline, 'state'> {
  const shape = state === undefined ? undefined : jsonSchemaOf(state.schema, 'output');
  if (state === undefined || shape === undefined) return {};
  return { state: { version: state.version, shape: createHash('sha256').update(JSON.stringify(shape)).digest('base64url') } };
}

function validated(schema: Schema, state: unknown): Validated<unknown> {
  const checked = validate(schema, state);
  if (!(checked instanceof Promise)) return checked;
  // Nobody waits for it.
  checked.catch(() => undefined);
  const message = 'expected a synchronous state schema, found an asynchronous one';
  return { ok: false, issues: [{ path: '', message }], issueCount: 1 };
}

function refuse(pipeline: AnyPipeline, message: string): never {
  throw new MillraceError('MILL_INVALID_STATE', `state of pipeline ${pipeline.name}: ${message}`);
}
