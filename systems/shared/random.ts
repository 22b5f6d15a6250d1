/** Numbers from 0 up to 1, determined by the seed alone. */
export type Random = () => number;

/**
 * The generator sfc32 of PractRand (Chris Doty-Humphrey, public domain). Each `stream` of a seed is a separate sequence, so that drawing
 * more from one does not change another. Not for secrets.
 */
export function randomOf(seed: number, stream: number): Random {
  let a = seed | 0;
  let b = (seed / 2 ** 32) | 0;
  let c = stream | 0;
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers are still similar for neighbouring seeds.
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** Returns a whole number from `min` to `max`, inclusive. */
export function integerFrom(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** Returns one of the choices. */
export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}
