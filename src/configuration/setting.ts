import { MillraceError } from '../errors.ts';
import { acceptedBy, readValue, type Values } from './values.ts';

/** One thing that can be set by a variable of the environment. */
export interface Setting<T = unknown> {
  readonly variable: string;
  /** For the help: what it is for. */
  readonly meaning: string;
  readonly values: Values<T>;
  /** The value while nobody sets it, as one would set it. Without it the setting is then undefined, unless it is `required`. */
  readonly otherwise?: string;
  /** Without a value nothing starts. */
  readonly required?: true;
  /** For the help, when there is no `otherwise`: what holds then. */
  readonly unset?: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

/** Settings by the names that their values have in the program. */
export type Settings = Readonly<Record<string, Setting>>;

/** The values of settings: possibly undefined where neither `otherwise` nor `required` is given. */
export type ConfigurationOf<S extends Settings> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

type ValueOf<S extends Setting> =
  S extends Setting<infer T> ? (S extends { readonly otherwise: string } | { readonly required: true } ? T : T | undefined) : never;

/** Variables by name; one that is missing or empty is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads settings. Throws `MILL_INVALID_CONFIGURATION` that names the variable, its value, and what is accepted. */
export function readSettings<S extends Settings>(settings: S, environment: Environment): ConfigurationOf<S> {
  const values = Object.entries(settings).map(([name, setting]) => [name, readSetting(setting, environment)]);
  // Every name has the value that its own setting has read.
  return Object.fromEntries(values) as ConfigurationOf<S>;
}

/** Reads one of them. */
export function readSetting<T>(setting: Setting<T> & { readonly otherwise: string }, environment: Environment): T;
export function readSetting<T>(setting: Setting<T>, environment: Environment): T | undefined;
export function readSetting<T>({ variable, values, otherwise, required, secret }: Setting<T>, environment: Environment): T | undefined {
  const text = environment[variable] || otherwise;
  const refusal = (message: string) => new MillraceError('MILL_INVALID_CONFIGURATION', `${variable}: ${message}`);
  if (text !== undefined) return readValue(values, text, refusal, secret ? 'a value that is not shown' : undefined);
  if (required) throw refusal(`expected ${acceptedBy(values, '')}; the variable is not set`);
  return undefined;
}
