import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { ShownTokens } from './shown-tokens.ts';
import { digestOf, newSecret, type Token } from './token.ts';
import { Tokens } from './tokens.ts';

const made = (name: string) => {
  const secret = newSecret();
  const token: Token = { name, role: 'ingest', digest: digestOf(secret), pipelines: undefined };
  return { token, authorization: `Bearer ${secret}` };
};

const requestOn = (socket: Socket, authorization?: string) => {
  const request = new IncomingMessage(socket);
  if (authorization !== undefined) request.headers.authorization = authorization;
  return request;
};

test('each request is judged by its own token, whatever its connection has sent before', () => {
  const [a, b] = [made('a'), made('b')];
  const shown = new ShownTokens(new Tokens([a.token, b.token]));
  const socket = new Socket();
  const found = (authorization?: string) => shown.find(requestOn(socket, authorization))?.name;
  assert.equal(found(), undefined);
  assert.equal(found(a.authorization), 'a');
  assert.equal(found(a.authorization), 'a');
  assert.equal(found(b.authorization), 'b');
  assert.equal(found(`${a.authorization}x`), undefined);
  assert.equal(found(), undefined);
  assert.equal(found(a.authorization), 'a');
});

test('a revoked token stops working on a connection that has used it, and works again when it is restored', () => {
  const [a, b] = [made('a'), made('b')];
  const tokens = new Tokens([a.token, b.token]);
  const shown = new ShownTokens(tokens);
  const socket = new Socket();
  assert.equal(shown.find(requestOn(socket, a.authorization)), a.token);
  tokens.replace([b.token]);
  assert.equal(shown.find(requestOn(socket, a.authorization)), undefined);
  const weaker: Token = { ...a.token, role: 'read' };
  tokens.replace([weaker, b.token]);
  assert.equal(shown.find(requestOn(socket, a.authorization)), weaker);
});

test('a token sent on one connection is worth nothing on another', () => {
  const a = made('a');
  const shown = new ShownTokens(new Tokens([a.token]));
  assert.equal(shown.find(requestOn(new Socket(), a.authorization)), a.token);
  assert.equal(shown.find(requestOn(new Socket(), 'Bearer wrong')), undefined);
});
