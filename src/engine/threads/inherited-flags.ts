/** Flags that change how modules are found and loaded, followed by a value. */
const loading = new Set(['--import', '--require', '-r', '--experimental-loader', '--loader', '--conditions', '-C']);

/**
 * Returns the flags of this program that a thread needs to load a user's module like the program itself (through `tsx`, say). It gets no
 * others: with a process-wide flag, such as `--max-old-space-size`, it would not start.
 */
export function inheritedFlags(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((flag, at) => {
    const [name = ''] = flag.split('=', 1);
    if (!loading.has(name)) return [];
    const value = execArgv[at + 1];
    return name !== flag ? [flag] : value === undefined ? [] : [flag, value];
  });
}
