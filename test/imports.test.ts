import assert from 'node:assert/strict';
import test from 'node:test';
import { type Import, importsIn, importsOf, isAmong, type Part, strayImports } from './imports.ts';

/*
 * The direction of imports: each part of the sources may import only the parts listed for it. The linter forbids import cycles
 * (`noImportCycles`).
 */

const ground = ['src/describe-found.ts', 'src/errors.ts', 'src/rested-heap.ts', 'src/version.ts'];
/** The port, and the code shared by all stores; no store itself. */
const port = 'src/store/*';
const faces = ['src/index.ts', 'src/server/index.ts', 'src/store/index.ts'];

/** In the order in which they build on each other. */
const parts: readonly Part[] = [
  { files: ['src/describe-found.ts'], sees: [] },
  { files: ['src/errors.ts'], sees: ['src/describe-found.ts'] },
  { files: ['src/version.ts', 'src/provide-millrace.ts', 'src/keep-ticks.ts', 'src/rested-heap.ts'], sees: [] },
  { files: ['src/configuration/'], sees: ground },
  { files: ['src/pipeline/'], sees: ground },
  { files: ['src/fault.ts'], sees: [...ground, 'src/pipeline/'] },
  { files: ['src/modules/'], sees: [...ground, 'src/fault.ts', 'src/pipeline/', 'src/provide-millrace.ts'] },
  { files: ['src/delivery/'], sees: [...ground, 'src/pipeline/'] },
  { files: ['src/inlets/'], sees: [...ground, 'src/pipeline/'] },
  { files: ['src/sources/'], sees: [...ground, 'src/fault.ts', 'src/pipeline/'] },
  { files: ['src/store/'], sees: [...ground, 'src/pipeline/'] },
  { files: ['src/store/tables/'], sees: [...ground, 'src/pipeline/', port] },
  { files: ['src/store/node-sqlite/'], sees: [...ground, 'src/pipeline/', 'src/store/tables/', port] },
  ...['memory', 'sqlite'].map((name) => ({
    files: [`src/store/${name}/`],
    sees: [...ground, 'src/pipeline/', 'src/store/copy/', 'src/store/node-sqlite/', 'src/store/tables/', port],
  })),
  { files: ['src/store/copy/'], sees: [...ground, 'src/pipeline/', port] },
  { files: ['src/store/sql/'], sees: [...ground, 'src/pipeline/', 'src/store/copy/', 'src/store/tables/', port] },
  ...['postgres', 'mysql'].map((name) => ({
    files: [`src/store/${name}/`],
    sees: [...ground, 'src/pipeline/', 'src/store/copy/', 'src/store/sql/', 'src/store/tables/', port],
  })),
  { files: ['src/engine/'], sees: [...ground, 'src/fault.ts', 'src/modules/', 'src/pipeline/', 'src/provide-millrace.ts', port] },
  { files: ['src/telemetry/'], sees: [...ground, 'src/engine/', port] },
  {
    files: ['src/server/'],
    sees: [...ground, 'src/configuration/', 'src/engine/', 'src/fault.ts', 'src/pipeline/', 'src/telemetry/', port],
  },
  { files: ['src/testing/'], sees: [...ground, 'src/engine/', 'src/inlets/', 'src/pipeline/', 'src/store/'] },
  {
    files: ['src/cli/'],
    sees: [...ground, 'src/fault.ts', ...['configuration', 'engine', 'modules', 'pipeline', 'server', 'store', 'telemetry'].map(folderOf)],
  },
  {
    files: ['src/index.ts'],
    sees: [
      'src/errors.ts',
      'src/keep-ticks.ts',
      ...['delivery', 'engine', 'inlets', 'pipeline', 'sources', 'store', 'telemetry'].map(folderOf),
    ],
  },
];

const withCommands = ['systems/rockets/', 'systems/accounts/', 'systems/workers/'];
const systems: readonly Part[] = [
  { files: ['systems/shared/'], sees: faces },
  ...['rockets', 'events', 'accounts', 'messages', 'workers'].map((name) => ({
    files: [`systems/${name}/`],
    sees: ['systems/shared/', ...faces],
  })),
  // A command's code is loaded when the command runs: `loaded-modules.test.ts`.
  ...withCommands.flatMap((folder): readonly Part[] => [
    { files: [`${folder}commands.ts`], sees: [folder, 'src/cli/index.ts', ...faces] },
    ...['play', 'replay', 'simulate'].map((name) => ({
      files: [`${folder}${name}/`],
      sees: [`${folder}*`, 'systems/shared/', 'src/cli/index.ts', ...faces],
    })),
  ]),
  { files: ['systems/index.ts'], sees: ['systems/', 'src/cli/index.ts', ...faces] },
];

/** The external checks of the systems may import the rockets' own witness, and no other part of any one system. */
const ofSystems = ['systems/index.ts', 'systems/shared/', 'systems/rockets/simulate/expected-rocket.ts'];
const ofSource = ['configuration', 'engine', 'pipeline', 'server', 'store', 'testing'].map(folderOf);
const sim: readonly Part[] = [
  { files: ['sim/ledger.ts'], sees: [...ground, port] },
  { files: ['sim/command-line.ts'], sees: ground },
  { files: ['sim/invariants.ts', 'sim/invariants/'], sees: ['sim/ledger.ts', ...ground, port] },
  { files: ['sim/mutants.ts', 'sim/mutants/'], sees: ground },
  ...['simulation', 'crash', 'fuzz'].map((name) => ({
    files: [`sim/${name}.ts`, `sim/${name}/`],
    sees: ['sim/command-line.ts', 'sim/ledger.ts', 'sim/invariants.ts', 'sim/invariants/', ...ofSystems, ...ground, ...ofSource],
  })),
  {
    files: ['sim/fleet.ts', 'sim/fleet/'],
    sees: [
      'sim/command-line.ts',
      'sim/crash/connection.ts',
      'sim/crash/server.ts',
      'systems/shared/',
      'test/free-port.ts',
      'test/mariadb-server.ts',
      'test/postgres-server.ts',
      ...ground,
      'src/index.ts',
    ],
  },
  {
    files: ['sim/brokers.ts', 'sim/brokers/'],
    sees: [
      'sim/command-line.ts',
      'sim/fleet/',
      'systems/shared/',
      'test/free-port.ts',
      'test/kafka-server.ts',
      'test/nats-server.ts',
      'test/postgres-server.ts',
      'test/until.ts',
      ...ground,
      'src/engine/identify.ts',
      'src/index.ts',
      'src/inlets/',
      'src/pipeline/',
    ],
  },
  {
    files: ['sim/assignment.ts', 'sim/assignment/'],
    sees: ['sim/command-line.ts', ...ground, 'src/engine/', 'src/testing/', port],
  },
  { files: ['sim/simulate.ts'], sees: ['sim/simulation/', ...ground, 'src/store/'] },
];

const ofBench = (name: string, ...sees: readonly string[]) => ({ files: [`bench/${name}/`], sees: sees.map((one) => `bench/${one}/`) });
const bench: readonly Part[] = [
  ofBench('work'),
  { files: ['bench/servers/'], sees: ['test/free-port.ts'] },
  {
    files: ['bench/peers/'],
    sees: ['bench/work/', 'src/index.ts', 'src/store/index.ts', 'src/store/postgres/connection/binary-arrays.ts'],
  },
  ofBench('host', 'peers', 'servers', 'work'),
  ofBench('measures', 'host', 'peers', 'servers', 'work'),
  ofBench('http', 'servers', 'work'),
  { files: ['bench/scale/'], sees: ['bench/host/', 'bench/peers/', 'bench/servers/', 'bench/work/', 'src/index.ts'] },
  { files: ['bench/tables/'], sees: ['bench/servers/', 'src/index.ts', 'test/mariadb-server.ts'] },
  {
    files: ['bench/brokers/'],
    sees: [
      ...['measures', 'peers', 'servers', 'work'].map((one) => `bench/${one}/`),
      ...['src/index.ts', 'src/inlets/kafka/', 'src/pipeline/inlet.ts', 'src/store/postgres/connection/binary-arrays.ts'],
      'test/kafka-server.ts',
    ],
  },
  ofBench('report', 'brokers', 'http', 'measures', 'peers', 'tables', 'work'),
  { files: ['bench/*'], sees: ['bench/', 'test/kafka-jars.ts', 'test/kafka-server.ts'] },
];

function folderOf(name: string): string {
  return `src/${name}/`;
}

function isOurs({ of }: Import): boolean {
  return /^(?:src|systems|sim|bench|test|bin|examples|findings)\//.test(of);
}

/** Parts whose tests import no more than the parts themselves. Other tests combine several parts. */
const alone = ['configuration', 'pipeline', 'delivery', 'sources'].map(folderOf);

function isFree({ file }: Import): boolean {
  return file.endsWith('.test.ts') && !isAmong(file, alone);
}

for (const [folder, table] of Object.entries({ src: parts, systems, sim, bench })) {
  test(`imports in ${folder}/ point in one direction`, () => {
    const imports = importsIn(`${folder}/**/*.ts`).filter((one) => isOurs(one) && !isFree(one));
    assert.ok(imports.length > 50, `${imports.length} imports`);
    assert.deepEqual(strayImports(imports, table), []);
  });
}

test('nothing in src/ imports a system, an entry point, or code that tries out the product, and neither do its tests', () => {
  const imports = importsIn('src/**/*.ts').filter(isOurs);
  const above = /^(?:systems|sim|bench|examples|findings)\//;
  const isFace = (path: string) => ['src/index.ts', 'src/server/index.ts', 'src/store/index.ts', 'src/cli/index.ts'].includes(path);
  assert.deepEqual(
    imports.filter(({ of }) => above.test(of) || isFace(of)),
    [],
  );
});

test('an example or a finding imports nothing from the checkout by path', () => {
  for (const folder of ['examples', 'findings']) {
    const isInside = ({ of }: Import) => of.startsWith(`${folder}/`);
    assert.deepEqual(
      importsIn(`${folder}/**/*.ts`).filter((one) => isOurs(one) && !isInside(one)),
      [],
    );
  }
});

test('every form of import is recognised', () => {
  const text = `
import type { A } from '../server/a.ts';
import { type B } from '../server/b.ts';
export type { C } from '../server/c.ts';
export * from '../server/d.ts';
const e = await import('../server/e.ts');
type F = import('../server/f.ts').F;
import '../server/g.ts';
`;
  const stray = strayImports(importsOf('src/engine/x.ts', text), parts);
  assert.deepEqual(
    stray,
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `src/engine/x.ts imports src/server/${name}.ts`),
  );
  assert.deepEqual(strayImports(importsOf('src/new/x.ts', text).slice(0, 1), parts), ['src/new/x.ts belongs to no part']);
  const ofStores = "import '../store/store.ts'; import '../store/sqlite/sqlite-store.ts';";
  assert.deepEqual(strayImports(importsOf('src/engine/x.ts', ofStores), parts), [
    'src/engine/x.ts imports src/store/sqlite/sqlite-store.ts',
  ]);
});
