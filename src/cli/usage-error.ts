/** An invalid command line: shown as one line with a hint to the command's help; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
