/** Flags that change how a module is found and loaded, with a value behind them. */
const loading = new Set(['--import', '--require', '-r', '--experimental-loader', '--loader', '--conditions', '-C']);

/**
 * The flags of this program that a thread needs so that it loads a user's module as the program itself did (through `tsx`,
 * say). It gets no others: with one that is for the whole process, such as `--max-old-space-size`, it would not start.
 */
export function inheritedFlags(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((flag, at) => {
    const [name = ''] = flag.split('=', 1);
    if (!loading.has(name)) return [];
    const value = execArgv[at + 1];
    return name !== flag ? [flag] : value === undefined ? [] : [flag, value];
  });
}
