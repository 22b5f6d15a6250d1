/** Whether a value is a promise, as `await` has it: what a user gives may use a library with promises of its own. */
export function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
