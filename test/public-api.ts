import ts from 'typescript-5.9';

/** A file of declarations that the package exports. */
interface Entry {
  readonly specifier: string;
  readonly path: string;
}

/**
 * Returns everything that a program can import from the package, as text: every export of every entry with its declarations, without
 * comments, in alphabetical order. Two releases with the same report have the same types.
 */
export function publicApi(entries: readonly Entry[]): string {
  const program = ts.createProgram(
    entries.map(({ path }) => path),
    { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, skipLibCheck: true },
  );
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  /** Types already shown by an earlier entry, which are only named. */
  const shown = new Map<ts.Symbol, string>();
  const describe = (exported: ts.Symbol, specifier: string): string => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const from = shown.get(symbol);
    if (from !== undefined) return `${exported.name}: see ${from}`;
    shown.set(symbol, specifier);
    return (symbol.declarations ?? []).map((declaration) => printed(printer, declaration)).join('\n');
  };
  const sections = entries.map(({ specifier, path }) => {
    const file = program.getSourceFile(path);
    const module = file && checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`expected ${path} to export something`);
    const exported = checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return [`=== ${specifier} ===`, ...exported.map((symbol) => describe(symbol, specifier))].join('\n\n');
  });
  return `${sections.join('\n\n')}\n`;
}

function printed(printer: ts.Printer, declaration: ts.Declaration): string {
  // The keyword and the type of a variable come from its statement.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()).replaceAll('    ', '  ');
}
