#!/usr/bin/env node
// `npm create millrace shop` is `millrace init shop`.
process.argv.splice(2, 0, 'init');
await import(new URL('../../bin/millrace.js', import.meta.resolve('millrace')).href);
