import ts from 'typescript-5.9';

interface Limits {
  /** Returns whether a file belongs to the package. */
  readonly isOwn: (file: string) => boolean;
  /** Exported types whose members are not examined. */
  readonly opaque: readonly string[];
}

/**
 * Returns the interfaces and classes that the declarations of the entries use but none of them exports. A user's program that emits
 * declarations does not compile if an inferred type contains one of them: there is no name for it.
 *
 * @param entries the `.d.ts` files that a package exports
 */
export function unnamedTypes(entries: readonly string[], { isOwn, opaque }: Limits): readonly string[] {
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol | undefined) =>
    symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exported = new Set(entries.flatMap((entry) => exportsOf(checker, program.getSourceFile(entry)).map(resolved)));
  const met = new Set(exported);
  const unnamed = new Set<string>();

  const visit = (node: ts.Node): void => {
    const name = nameIn(node);
    const symbol = name === undefined ? undefined : resolved(checker.getSymbolAtLocation(name));
    if (symbol !== undefined && !met.has(symbol) && isDeclaredIn(symbol, isOwn)) {
      met.add(symbol);
      if (symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class)) unnamed.add(symbol.name);
      // An alias is expanded, so the types inside it count.
      else symbol.declarations?.forEach(visit);
    }
    // The base of an interface is expanded, too: its members become those of the interface.
    if (!ts.isHeritageClause(node)) ts.forEachChild(node, visit);
  };
  for (const symbol of exported) if (symbol !== undefined && !opaque.includes(symbol.name)) symbol.declarations?.forEach(visit);
  return Array.from(unnamed).sort();
}

function exportsOf(checker: ts.TypeChecker, file: ts.SourceFile | undefined): readonly ts.Symbol[] {
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error('expected an entry that exports something, found none');
  return checker.getExportsOfModule(module);
}

/** Returns the name by which a node refers to a type. */
function nameIn(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  return ts.isTypeQueryNode(node) ? node.exprName : undefined;
}

function isDeclaredIn(symbol: ts.Symbol, isOwn: (file: string) => boolean): boolean {
  if (symbol.flags & ts.SymbolFlags.TypeParameter) return false;
  return symbol.declarations?.some((declaration) => isOwn(declaration.getSourceFile().fileName)) === true;
}
