import * as z from 'zod';

/** No event nests deeper. */
const levelsMax = 1_000;

interface Fault {
  readonly message: string;
  /** From the outermost value to the faulty one; built from its end. */
  readonly path: (string | number)[];
}

/** An object of any contents that every database keeps unchanged. */
export const FreeForm = z.record(z.string(), z.unknown(), 'expected an object').superRefine(checkFreeForm);

/** Reports the first text of an object that some database cannot keep: MySQL and MariaDB refuse half of a surrogate pair even as an escape. */
export function checkFreeForm(data: object, context: z.RefinementCtx): void {
  const fault = faultOf(data, levelsMax);
  if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
}

function faultOf(value: unknown, levels: number): Fault | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() ? undefined : { path: [], message: 'expected well-formed Unicode, found half of a surrogate pair' };
  }
  if (typeof value !== 'object' || value === null || levels === 0) return undefined;
  if (Array.isArray(value)) return faultInArray(value, levels);
  for (const [name, child] of Object.entries(value)) {
    // The path ends above such a name: an answer is well-formed Unicode itself.
    if (!name.isWellFormed()) return { path: [], message: 'expected names in well-formed Unicode, found half of a surrogate pair' };
    const fault = faultOf(child, levels - 1);
    if (fault !== undefined) return { ...fault, path: [name, ...fault.path] };
  }
  return undefined;
}

function faultInArray(values: readonly unknown[], levels: number): Fault | undefined {
  for (const [index, child] of values.entries()) {
    const fault = faultOf(child, levels - 1);
    if (fault !== undefined) return { ...fault, path: [index, ...fault.path] };
  }
  return undefined;
}
