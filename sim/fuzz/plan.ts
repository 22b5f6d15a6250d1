import type { Attempt, Kind, Made, Material, Step, ValidRequest } from './attempt.ts';
import { Draw } from './draw.ts';
import { kinds } from './kinds/index.ts';
import { marked } from './mark.ts';
import { type Route, undocumented } from './routes.ts';
import { bodyOf, samples } from './samples.ts';

/** Creates attempts, determined by the seed, the number and the routes. */
export class Plan {
  readonly #seed: number;
  readonly #routes: readonly Route[];
  readonly #authorization: string | undefined;

  /** Throws for a route without a sample: no attempt on it could be meaningful. */
  constructor(seed: number, documented: readonly Route[], authorization?: string) {
    const unknown = documented.filter(({ name }) => !Object.hasOwn(samples, name));
    if (unknown.length > 0)
      throw new Error(`expected a sample of every route, found none of ${unknown.map(({ name }) => name).join(', ')}`);
    this.#seed = seed;
    this.#authorization = authorization;
    // A body offers more to get wrong than anything else.
    const withBody = documented.filter(({ hasBody }) => hasBody);
    this.#routes = [...documented, ...undocumented, ...withBody, ...withBody, ...withBody];
  }

  /** Number of attempts that target every route once. */
  get round(): number {
    return this.#routes.length;
  }

  /** Takes the routes in turn, so that none is left out. */
  attempt(number: number): Attempt {
    const draw = new Draw(this.#seed, number);
    const route = this.#routes[number % this.#routes.length];
    if (route === undefined) throw new Error('expected routes, found none');
    const kind = draw.weighted(kinds.filter((one) => one.suits?.(route) ?? true));
    return { number, kind: kind.name, route: route.name, ...this.#make(kind, route, draw) };
  }

  isSlow({ kind }: Attempt): boolean {
    return kinds.some(({ name, slow }) => name === kind && slow === true);
  }

  #make(kind: Kind, route: Route, draw: Draw): Made {
    const valid = validRequest(route, draw);
    // Without tokens the choices for a seed stay the same.
    const authorization = this.#authorization && presented(this.#authorization, draw);
    const shown = (one: ValidRequest): ValidRequest => ({ ...one, request: { ...one.request, authorization } });
    const another = () => shown(validRequest(draw.pick(this.#routes), draw));
    const material: Material = { draw, route, valid: shown(valid), another };
    const made = kind.make(material);
    return made.expects === 'answers' ? made : marked(made);
  }
}

/** Mostly the required token; sometimes none, and rarely a nearly right one, since each of those is slowed down. */
function presented(authorization: string, draw: Draw): string | undefined {
  if (draw.chance(0.15)) return undefined;
  if (!draw.chance(0.02)) return authorization;
  const secret = authorization.slice('Bearer '.length);
  return draw.pick([
    `Bearer ${secret.slice(0, -1)}`,
    `Bearer ${secret.toUpperCase()}`,
    `Bearer ${secret.slice(1)}${secret.slice(0, 1)}`,
    'Bearer ',
    'Bearer \xff\xfe',
    `Bearer ${'x'.repeat(10_000)}`,
    'Basic Zm86YmFy',
    'Bearer undefined',
    'Bearer [object Object]',
  ]);
}

/** Returns a request that its route accepts. */
function validRequest(route: Route, draw: Draw): ValidRequest {
  const sample = samples[route.name] ?? {};
  const parameters = sample.parameters?.(draw) ?? {};
  const query = Object.fromEntries(Object.entries(sample.query?.(draw) ?? {}).filter(() => draw.chance(0.4)));
  const json = bodyOf(route, sample, parameters, draw);
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const target = targetOf(route.path, parameters, query);
  return { route, parameters, query, json, request: { method: route.method, target, body } };
}

/** Returns a path with its parameters and its query filled in, encoded. */
function targetOf(path: string, parameters: Readonly<Record<string, string>>, query: Readonly<Record<string, string>>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

/** Returns everything an attempt writes, without its pauses. */
export function bytesOf({ steps }: { readonly steps: readonly Step[] }): Buffer {
  return Buffer.concat(steps.flatMap((step) => ('write' in step ? [step.write] : 'drip' in step ? [step.drip] : [])));
}
