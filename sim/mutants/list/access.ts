import type { Mutant } from '../mutant.ts';
import { beside, system } from '../suites.ts';

const ask = 'src/server/access/ask.ts';
const guard = 'src/server/access/guard.ts';
const plain = 'src/server/plain-routes.ts';
const table = system('access');
const locked = beside('server/access/guard');

/** Nobody is let in who does not belong. */
export const access: readonly Mutant[] = [
  {
    name: 'unknown-token-let-in',
    promises: [],
    file: guard,
    find: 'return secret === undefined ? undefined : this.#tokens?.find(secret);',
    replace: 'return secret === undefined ? undefined : (this.#tokens?.find(secret) ?? this.#tokens?.all[0]);',
    tests: [locked],
  },
  {
    name: 'token-good-for-any-role',
    promises: [],
    file: ask,
    find: 'if (!permits(role, ask.access)) return false;',
    replace: 'void permits(role, ask.access);',
    tests: [locked, table],
  },
  {
    name: 'token-good-for-any-pipeline',
    promises: [],
    file: ask,
    find: 'return pipelines === undefined || (ask.pipelines?.every((name) => pipelines.has(name)) ?? false);',
    replace: 'void pipelines;\n  return true;',
    tests: [locked, table],
  },
  {
    name: 'changing-routes-need-read',
    promises: [],
    file: ask,
    find: "(safeMethods.has(method) ? 'read' : 'operate')",
    replace: "'read'",
    tests: [locked, table],
  },
  {
    name: 'unknown-paths-told-to-anybody',
    promises: [],
    file: guard,
    find: "if (ask !== 'any token' && ask.access === 'open') return this.#openTo(token, request);",
    replace: "if (ask === 'any token' || ask.access === 'open') return this.#openTo(token, request);",
    tests: [table],
  },
  {
    name: 'direct-routes-ask-nobody',
    promises: [],
    file: 'src/server/gate.ts',
    find: 'return !this.#closed && this.#guard.admits(headers, ask) &&',
    replace: 'void ask;\n    return !this.#closed &&',
    tests: [locked],
  },
  {
    name: 'hooks-passed-by',
    promises: [],
    file: plain,
    find: '|| this.#isChanged(route.scope)) return undefined;',
    replace: ') return undefined;',
    tests: [beside('server/direct-routes')],
  },
  {
    name: 'options-passed-by',
    promises: [],
    file: plain,
    find: 'if (Object.entries(options).some(([name, value]) => value !== undefined && !plainOptions.has(name))) return false;',
    replace: '',
    tests: [beside('server/direct-routes')],
  },
  {
    name: 'constraints-of-others-passed-by',
    promises: [],
    file: plain,
    find: 'if (this.#registered.some(({ options }) => options.constraints !== undefined)) return undefined;',
    replace: '',
    tests: [beside('server/direct-routes')],
  },
  {
    name: 'routes-of-embedders-passed-by',
    promises: [],
    file: plain,
    find: 'return this.#leadsTo(url, path) ? route.options : undefined;',
    replace: 'void path;\n    return route.options;',
    tests: [beside('server/direct-routes')],
  },
  {
    name: 'any-host-let-in',
    promises: [],
    file: guard,
    find: 'this.#asksHost = tokens === undefined || hosts.length > 0;',
    replace: 'this.#asksHost = hosts.length > 0;',
    tests: [locked],
  },
  {
    name: 'listens-anywhere-unlocked',
    promises: [],
    file: 'src/server/server.ts',
    find: 'if (!mayListenAnywhere && !(await isLoopback(host)))',
    replace: 'if (!mayListenAnywhere && !(await isLoopback(host)) && port < 0)',
    tests: [locked],
  },
  {
    name: 'strangers-not-slowed-down',
    promises: [],
    file: 'src/server/access/strangers.ts',
    find: 'if (waitMs === 0 || this.#waiting >= waitingMax) return undefined;',
    replace: 'if (waitMs >= 0) return undefined;',
    tests: [locked],
  },
  {
    name: 'tokens-forgotten-when-unreadable',
    promises: [],
    file: 'src/server/access/tokens.ts',
    find: "log.error({ path, reason: messageOf(error) }, 'cannot",
    replace: "tokens.replace([]);\n      log.error({ path, reason: messageOf(error) }, 'cannot",
    tests: [locked],
  },
];
