import { rangeOf, version } from '../../version.ts';
import { dockerfile, dockerignore } from './container-files.ts';

export const languages = ['typescript', 'javascript'] as const;
export type Language = (typeof languages)[number];

/** File extensions, by language. */
export const endings: Readonly<Record<Language, string>> = { typescript: 'ts', javascript: 'js' };

interface Project {
  readonly name: string;
  readonly language: Language;
}

/** Returns the files of a new project, by path. Node.js runs both languages directly, so only the file extensions differ. */
export function projectFiles({ name, language }: Project): Readonly<Record<string, string>> {
  const ending = endings[language];
  const files = {
    'package.json': `${JSON.stringify(manifest(name, language), undefined, 2)}\n`,
    [`src/visits.${ending}`]: pipeline,
    [`test/visits.test.${ending}`]: test(ending),
    Dockerfile: dockerfile(ending),
    '.dockerignore': dockerignore,
    '.gitignore': 'node_modules/\ndata/\n.env\n',
    'README.md': readme(name, ending),
  };
  return language === 'typescript' ? { ...files, 'tsconfig.json': `${JSON.stringify(tsconfig, undefined, 2)}\n` } : files;
}

function manifest(name: string, language: Language): object {
  const ending = endings[language];
  const check = language === 'typescript' ? { check: 'tsc -p .' } : {};
  const development = language === 'typescript' ? { devDependencies: { '@types/node': '>=24', typescript: '>=5.9' } } : {};
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=24' },
    scripts: {
      start: `millrace serve --watch ./src/visits.${ending}`,
      test: `node --test "test/**/*.test.${ending}"`,
      ...check,
    },
    dependencies: { millrace: `^${version}`, zod: `^${rangeOf('zod')}` },
    ...development,
  };
}

const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    strict: true,
    noUncheckedIndexedAccess: true,
  },
  include: ['src', 'test'],
};

const pipeline = `import { pipeline } from 'millrace';
import * as z from 'zod';

export default pipeline('visits', {
  event: z.object({ page: z.string(), visitor: z.string() }), // parsed once, before the event is accepted
  key: (visit) => visit.page, // events with the same key are handled in order, one at a time
  state: z.object({ visits: z.number(), lastVisitor: z.string() }),
  handle(visit, state) {
    return { visits: (state?.visits ?? 0) + 1, lastVisitor: visit.visitor }; // the next state of the key
  },
});
`;

function test(ending: string): string {
  return `import assert from 'node:assert/strict';
import test from 'node:test';
import { testMill } from 'millrace/testing';
import visits from '../src/visits.${ending}';

test('each visit counts once', async () => {
  // In memory, on a virtual clock. Every turn runs twice, as after a crash, and still counts once.
  const t = await testMill({ pipelines: [visits], crashBeforeCommit: true });
  await t.ingest('visits', { page: '/home', visitor: 'ann' });
  await t.ingest('visits', { page: '/home', visitor: 'bob' });
  await t.drain();
  assert.deepEqual(await t.state('visits', '/home'), { visits: 2, lastVisitor: 'bob' });
  await t.stop();
});
`;
}

function readme(name: string, ending: string): string {
  return `# ${name}

\`src/visits.${ending}\` counts the visits of each page. Change it: the server reloads.

\`\`\`sh
npm install && npm start   # http://127.0.0.1:8080
npm test
\`\`\`

\`\`\`sh
curl localhost:8080/pipelines/visits/events -d '{"page":"/home","visitor":"ann"}'
curl localhost:8080/pipelines/visits/keys/%2Fhome
\`\`\`

Events and states are in \`data/millrace.db\`. To run it in a container, open to anyone who can reach the port:

\`\`\`sh
docker build -t ${name} .
docker run -p 127.0.0.1:8080:8080 -e ACCESS=open -v ${name}:/app/data ${name}
\`\`\`
`;
}
