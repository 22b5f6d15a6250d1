import { describeFound } from '../describe-found.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';

/** The place of a value in a declaration or a call. Its error messages begin with the path: `pipeline orders: retry.attempts: …`. */
export class Place {
  readonly code: ErrorCode;
  readonly #what: string;
  readonly #path: string;

  /** @param what names the declaration or the call: `pipeline orders` */
  constructor(what: string, code: ErrorCode, path = '') {
    this.#what = what;
    this.code = code;
    this.#path = path;
  }

  /** Returns the place of a property, or of an item of an array. */
  at(part: string | number): Place {
    return new Place(this.#what, this.code, this.#pathTo(part));
  }

  refuse(message: string): never {
    throw new MillraceError(this.code, `${this}: ${message}`);
  }

  /** Refuses the name of a property. */
  refuseName(name: string, message: string): never {
    throw new MillraceError(this.code, `${this.#what}: ${this.#pathTo(name)} ${message}`);
  }

  /** Refuses a value, and shows it. */
  expected(expectation: string, found: unknown): never {
    return this.refuse(`expected ${expectation}, found ${describeFound(found)}`);
  }

  toString(): string {
    return this.#path === '' ? this.#what : `${this.#what}: ${this.#path}`;
  }

  #pathTo(part: string | number): string {
    if (typeof part === 'number') return `${this.#path}[${part}]`;
    if (!/^[\w$-]{1,60}(\(\))?$/.test(part)) return `${this.#path}[${describeFound(part)}]`;
    return this.#path === '' ? part : `${this.#path}.${part}`;
  }
}
