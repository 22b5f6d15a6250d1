/** A getter or a trap that throws. */
export function throwing(): never {
  throw new Error('read');
}

/** A value of which nothing can be read at all. */
export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
