import type { FastifyInstance, RouteOptions } from 'fastify';

/** Options that leave a route plain; they change nothing, or {@link DirectRoutes} honours them. */
const plainOptions: ReadonlySet<string> = new Set([
  'method',
  'url',
  'path',
  'routePath',
  'prefix',
  'handler',
  'schema',
  'config',
  'attachValidation',
  'logLevel',
]);

/** Hooks that see the app, and no requests. */
const appHooks: ReadonlySet<unknown> = new Set(['onRoute', 'onRegister', 'onReady', 'onListen', 'preClose', 'onClose']);

/** Methods of an app that change a scope; those that do not affect existing routes are left out. */
const changesScope = /^(?:add|set|remove)(?!Schema$|HttpMethod$|NotFoundHandler$)[A-Z]/;

/** A route as registered. */
interface Registration {
  /** As registered, with parameters. */
  readonly url: string;
  /** The handler that was registered; an `onRoute` hook may have replaced it. */
  readonly handler: unknown;
}

/**
 * Determines which routes of a Fastify app are plain: a request to such a route is read, checked, handled and answered like the server's
 * own. A route is not plain if its scope, or one above it, has anything of its own (a request hook, a parser, a validator or serializer
 * compiler, an error handler, …), if its options go beyond the server's, or if another route might match its requests. Anything not known
 * to be harmless counts.
 */
export class PlainRoutes {
  readonly #app: FastifyInstance;
  readonly #registered: { readonly options: RouteOptions; readonly scope: FastifyInstance }[] = [];
  /** The scopes that have anything of their own. */
  readonly #changed = new WeakSet<object>();

  /** Watches the app from now on: earlier settings are the server's. */
  constructor(app: FastifyInstance) {
    this.#app = app;
    for (const name of Object.keys(app).filter((name) => changesScope.test(name))) this.#watch(name);
    const registered = this.#registered;
    app.addHook('onRoute', function (options) {
      registered.push({ options, scope: this });
    });
  }

  /**
   * Returns the options of the `POST` route that matches a path; undefined if it is not plain. Call it once the server is ready: then the
   * options are as `onRoute` hooks have left them.
   */
  find({ url, handler }: Registration, path: string): RouteOptions | undefined {
    const route = this.#registered.find(({ options }) => options.handler === handler);
    if (route === undefined || !isPlain(route.options, url) || this.#isChanged(route.scope)) return undefined;
    // One constraint on any route makes the router look at the headers of all requests.
    if (this.#registered.some(({ options }) => options.constraints !== undefined)) return undefined;
    return this.#leadsTo(url, path) ? route.options : undefined;
  }

  #watch(name: string): void {
    const method: unknown = Reflect.get(this.#app, name);
    if (typeof method !== 'function') return;
    const noted = (scope: unknown, words: readonly unknown[]) => {
      if (name === 'addHook' && appHooks.has(words[0])) return;
      // The router, and so its constraints, is shared by all scopes.
      this.#changed.add(name === 'addConstraintStrategy' ? this.#app : Object(scope));
    };
    const watched = new Proxy(method, {
      apply(target, scope, words) {
        noted(scope, words);
        return Reflect.apply(target, scope, words);
      },
    });
    Reflect.set(this.#app, name, watched);
  }

  #isChanged(scope: FastifyInstance): boolean {
    for (let one: unknown = scope; typeof one === 'object' && one !== null; one = Object.getPrototypeOf(one))
      if (this.#changed.has(one)) return true;
    return false;
  }

  /**
   * Returns whether the router directs requests for a path to this route. It compares parameter names, since the router does not name the
   * route.
   */
  #leadsTo(url: string, path: string): boolean {
    const found = this.#app.findRoute({ method: 'POST', url: path });
    const names = Array.from(url.matchAll(/:(\w+)/g), ([, name]) => name);
    return found !== null && Object.keys(found.params).join() === names.join();
  }
}

function isPlain(options: RouteOptions, url: string): boolean {
  if (options.method !== 'POST' || options.url !== url || options.attachValidation === true) return false;
  if (Object.entries(options).some(([name, value]) => value !== undefined && !plainOptions.has(name))) return false;
  // Without a body schema a route accepts requests without a body, and with one per media type only those.
  const body = options.schema?.body;
  return typeof body === 'object' && body !== null && !('content' in body);
}
