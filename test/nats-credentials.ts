import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A server whose users are known by tokens signed by their account, which NATS calls JWTs. */
export interface OperatorMode {
  /** The lines for the server's configuration. */
  readonly settings: string;
  /** The content of the `.creds` file of a user with all rights. */
  readonly creds: string;
}

/** Makes an operator with an account, and a user of that account. */
export function makeOperatorMode(): OperatorMode {
  const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
  // The system account may have no streams, while all other accounts may.
  const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const storage = { mem_storage: -1, disk_storage: -1 };
  const operatorToken = token(operator, operator, { type: 'operator' });
  const preloaded = [
    `${account.getPublicKey()}: ${token(operator, account, { type: 'account', limits: { ...limits, ...storage } })}`,
    `${system.getPublicKey()}: ${token(operator, system, { type: 'account', limits })}`,
  ];
  const userToken = token(account, user, { type: 'user', ...unlimited, pub: {}, sub: {} });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    settings: [
      `operator: ${operatorToken}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: {\n${preloaded.join('\n')}\n}`,
    ].join('\n'),
    creds: `${block('NATS USER JWT', userToken)}\n${block('USER NKEY SEED', seed)}`,
  };
}

function token(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const claims = {
    ...{ jti: 'test', iat: 1_700_000_000, iss: issuer.getPublicKey(), name: 'test', sub: subject.getPublicKey() },
    nats: { ...nats, version: 2 },
  };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function block(title: string, content: string): string {
  return `-----BEGIN ${title}-----\n${content}\n------END ${title}------\n`;
}
