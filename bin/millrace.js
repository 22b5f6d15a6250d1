#!/usr/bin/env node
// The launcher. It must parse and run on any Node.js with ES modules, so it uses only old syntax and old names.
// biome-ignore-all lint/style/useNodejsImportProtocol: some Node.js versions that this must run on do not know `node:`

// Comes first, so that no signal is missed.
import { onStopOrder } from './stop-orders.js';
import './watch-parent.js';
// The imports below may take a while.
import { spawn } from 'child_process';
import { existsSync, readFileSync } from 'fs';
import { createRequire } from 'module';
import { constants } from 'os';
import { dirname, join } from 'path';
import { fileURLToPath } from 'url';

const require = createRequire(import.meta.url);
const majorMin = majorOf(readJson(fileURLToPath(new URL('../package.json', import.meta.url))).engines.node);

if (majorOf(process.versions.node) >= majorMin) {
  import('./start.js');
} else {
  const newerNode = findNewerNode();
  if (newerNode === undefined) {
    const isCheckout = existsSync(fileURLToPath(new URL('../src', import.meta.url)));
    const remedy = isCheckout ? 'run npm ci, which puts one into node_modules' : 'install a newer one from https://nodejs.org';
    fail(`needs Node.js ${majorMin} or newer, found ${process.version}; ${remedy}`);
  } else {
    relaunch(newerNode);
  }
}

/** Returns the Node.js that `npm ci` put into `node_modules`, if it exists and is new enough. */
function findNewerNode() {
  try {
    const manifest = require.resolve('node/package.json');
    const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return majorOf(readJson(manifest).version) >= majorMin && existsSync(path) ? path : undefined;
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Runs the same command under another Node.js and shadows it: forwards orders to stop, and ends as the child ends. The child
 * has its own session: a terminal sends Ctrl-C to its whole foreground group, and the child must receive it only once,
 * from here. The fourth pipe is its lifeline. Orders go through it, because a signal would kill a child that is not ready to
 * handle it. When this process dies, for any reason, the pipe closes and the child dies too (see lifeline.js), so it
 * never keeps the port and the database of a killed server.
 */
function relaunch(node) {
  const entry = fileURLToPath(new URL('./relaunched.js', import.meta.url));
  const child = spawn(node, [entry].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const lifeline = child.stdio[3];
  // After the child has ended nobody reads its orders; its `exit` follows.
  lifeline.on('error', () => undefined);
  onStopOrder(({ signal, way, atMs }) => {
    lifeline.write(`${JSON.stringify({ signal, way: way === 'signal' ? 'launcher' : way, atMs })}\n`);
  });
  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // PID 1 cannot be killed this way.
    process.exit(128 + constants.signals[signal]);
  });
}

function majorOf(version) {
  return Number(/\d+/.exec(version)[0]);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function fail(message) {
  process.stderr.write(`millrace: ${message}\n`);
  process.exitCode = 1;
}
