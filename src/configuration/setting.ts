import { MillraceError } from '../errors.ts';
import { acceptedBy, readValue, type Values } from './values.ts';

/** A setting that an environment variable controls. */
export interface Setting<T = unknown> {
  readonly variable: string;
  /** Purpose of the setting, for the help. */
  readonly meaning: string;
  readonly values: Values<T>;
  /** The default, written as a user would set it. Without a default the setting is undefined when unset, unless it is `required`. */
  readonly otherwise?: string;
  /** Nothing starts without a value. */
  readonly required?: true;
  /** For the help, when there is no `otherwise`: what applies when the variable is unset. */
  readonly unset?: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

/** Settings keyed by the names of their values in the program. */
export type Settings = Readonly<Record<string, Setting>>;

/** The values of settings: possibly undefined when neither `otherwise` nor `required` is given. */
export type ConfigurationOf<S extends Settings> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

type ValueOf<S extends Setting> =
  S extends Setting<infer T> ? (S extends { readonly otherwise: string } | { readonly required: true } ? T : T | undefined) : never;

/** Variables by name. A missing or empty one counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads settings. Throws `MILL_INVALID_CONFIGURATION`, naming the variable, its value, and the accepted values. */
export function readSettings<S extends Settings>(settings: S, environment: Environment): ConfigurationOf<S> {
  const values = Object.entries(settings).map(([name, setting]) => [name, readSetting(setting, environment)]);
  // Every name maps to the value its own setting read.
  return Object.fromEntries(values) as ConfigurationOf<S>;
}

/** Reads one setting. */
export function readSetting<T>(setting: Setting<T> & { readonly otherwise: string }, environment: Environment): T;
export function readSetting<T>(setting: Setting<T>, environment: Environment): T | undefined;
export function readSetting<T>({ variable, values, otherwise, required, secret }: Setting<T>, environment: Environment): T | undefined {
  const text = environment[variable] || otherwise;
  const refusal = (message: string) => new MillraceError('MILL_INVALID_CONFIGURATION', `${variable}: ${message}`);
  if (text !== undefined) return readValue(values, text, refusal, secret ? 'a value that is not shown' : undefined);
  if (required) throw refusal(`expected ${acceptedBy(values, '')}; the variable is not set`);
  return undefined;
}
