import type { Command } from 'commander';
import { millrace } from '../engine/mill.ts';
import { isLoopback } from '../server/access/loopback.ts';
import { createServer } from '../server/create-server.ts';
import type { System } from '../server/declared-system.ts';
import type { MillServer } from '../server/mill-server.ts';
import { configure } from '../server/system.ts';
import { createLogger } from '../telemetry/logger.ts';
import { ProcessCounts } from '../telemetry/process-counts.ts';
import { openTelemetry } from '../telemetry/tracing.ts';
import { version } from '../version.ts';
import { accessOptions, accessSettings } from './access-settings.ts';
import { type Configuration, type Flags, readConfiguration, usualPort } from './configuration.ts';
import { describeDatabase } from './database.ts';
import { type ExitListener, refuseExits } from './exit.ts';
import { environmentHelp } from './help.ts';
import { isPath, loadSystems } from './load-systems.ts';
import type { DeclaredSystem } from './shipped.ts';
import { stopRequested } from './stop-orders.ts';
import { storeFor } from './store-for.ts';
import { StrayFailures } from './stray-failures.ts';
import type { Invocation } from './system-commands.ts';
import { UsageError } from './usage-error.ts';

/** Adds `millrace serve`, which serves all built-in systems unless some are named. */
export function addServe(program: Command, { environment, orders }: Invocation, ownSystems: readonly DeclaredSystem[]): void {
  program
    .command('serve')
    .summary('serve systems, or your own pipelines, over HTTP')
    .description('Serves the named systems, or the pipelines exported by your module. Without a name it serves all systems.')
    .argument('[system...]', 'names of systems, or paths of modules such as ./my-pipelines.ts')
    .option('--port <number>', 'port to listen on; 0 picks a free one')
    .option('--host <address>', 'address to listen on')
    .option('--open', 'allow any address without tokens: anyone who reaches the server may do anything')
    .option(
      '--database <url>',
      'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, a path ending in .db or .sqlite, or memory:',
    )
    .option('--watch', 'reload whenever a loaded file changes; if the new version does not load, the old one keeps running')
    .option('--check', 'load everything, report any faults, and serve nothing')
    .addHelpText('after', () => `\n${environmentHelp(ownSystems)}`)
    .action(async (names: string[], { watch: isWatched = false, check: isChecked = false, ...flags }: ServeFlags) => {
      const stop = stopRequested(orders);
      if (isWatched) {
        process.exitCode = await watch(names, flags, stop);
        return;
      }
      const configuration = readConfiguration(flags, environment);
      const onExit = refuseExits();
      // A module may load slowly, or never finish.
      const loaded = await Promise.race([stop, loadSystems(names, ownSystems)]);
      const systems = loaded?.map((declared) => configure(declared, environment));
      if (systems === undefined) return;
      if (isChecked) {
        declare(systems, configuration, createLogger(configuration.logLevel, new ProcessCounts()));
        return;
      }
      const exitCode = await serve(systems, { chosen: names.length > 0, configuration, stop, onExit });
      if (exitCode !== undefined) process.exitCode = exitCode;
    });
}

type ServeFlags = Flags & { readonly watch?: boolean; readonly check?: boolean };

/** Loaded on use: a server needs none of it. */
async function watch(names: readonly string[], flags: Flags, stop: Promise<void>): Promise<number | undefined> {
  if (!names.some(isPath)) throw new UsageError('--watch: expected the path of one of your modules, such as ./my-pipelines.ts');
  const { watchServe } = await import('./watch/watch.ts');
  const words = Object.entries(flags).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]));
  return watchServe(['serve', ...names, ...words], stop);
}

interface Serving {
  /** True if systems were named on the command line. */
  readonly chosen: boolean;
  readonly configuration: Configuration;
  /** Resolves on a request to stop. */
  readonly stop: Promise<void>;
  /** Sets the listener for the served program's exits. */
  readonly onExit: (listener: ExitListener) => void;
}

/** Serves until it is asked to stop, or must; then it returns the exit code. Throws if the start fails, or the store fails for good. */
async function serve(systems: readonly System[], { chosen, configuration, stop, onExit }: Serving): Promise<number | undefined> {
  const counts = new ProcessCounts();
  const log = createLogger(configuration.logLevel, counts);
  const { host, database, shutdownTimeoutMs } = configuration;
  const access = accessOptions(configuration.access, log);
  const mill = declare(systems, configuration, log);
  const ended = Promise.withResolvers<void>();
  const failures = new StrayFailures({ log, counts, turns: mill.turns, end: ended.resolve });
  failures.listen();
  onExit(failures);
  const over = Promise.race([stop, ended.promise]);
  if ((await Promise.race([over, mill.start().then(() => 'started')])) !== 'started') {
    await mill.stop({ timeoutMs: shutdownTimeoutMs });
    return failures.exitCode;
  }
  let server: MillServer | undefined;
  try {
    server = await createServer({ mill, systems, log, counts, limits: configuration.http, access });
    const url = await server.listen({ host, port: configuration.port ?? ownPort(systems, chosen) ?? usualPort });
    const names = systems.map((system) => system.name).join(', ');
    if (access.isOpen === true && !(await isLoopback(host))) log.warn({ host }, openAdvice);
    announce(`millrace ${version} listening on ${url} (${names}; ${describeDatabase(database)})\n`);
    await Promise.race([over, mill.stopped]);
    await server.stop(shutdownTimeoutMs);
    return failures.exitCode;
  } catch (failure) {
    // Requests under way get their 503. A failure to stop something adds nothing to the first failure.
    await Promise.allSettled([server?.stop(shutdownTimeoutMs), mill.stop({ timeoutMs: shutdownTimeoutMs })]);
    throw failure;
  }
}

/** Creates the engine, which opens nothing yet. Throws for incompatible declarations. */
function declare(systems: readonly System[], { database, limits }: Configuration, log: ReturnType<typeof createLogger>) {
  const pipelines = systems.flatMap((system) => system.pipelines);
  return millrace({ store: storeFor(database), pipelines, limits, log, tracing: openTelemetry() });
}

const openAdvice =
  `anyone who reaches this address may do anything: set tokens (${accessSettings.tokens.variable}) unless that is intended; ` +
  `add dotted host names of the server to ${accessSettings.hosts.variable}`;

/** Returns the port of a system that was requested alone. */
function ownPort(systems: readonly System[], chosen: boolean): number | undefined {
  return chosen && systems.length === 1 ? systems[0]?.port : undefined;
}

/** Prints the only line on stdout. Its reader may be gone, which is no reason to stop serving. */
function announce(line: string): void {
  process.stdout.on('error', () => undefined);
  process.stdout.write(line);
}
