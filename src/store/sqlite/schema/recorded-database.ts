import { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';

/** A connection that records the statements that change something. */
export class RecordedDatabase extends DatabaseSync {
  readonly changes: string[] = [];

  override exec(sql: string): void {
    for (const statement of statementsIn(sql)) {
      const before = this.#mark();
      super.exec(statement);
      if (this.#mark() !== before) this.changes.push(statement);
    }
  }

  /** Returns a mark that differs after every change of the schema or of rows. */
  #mark(): string {
    return String(new Select<[number, number]>(this, 'SELECT schema_version, total_changes() FROM pragma_schema_version').get());
  }
}

/** A semicolon within quotes ends no statement. */
function statementsIn(sql: string): readonly string[] {
  return Array.from(sql.matchAll(/(?:'[^']*'|"[^"]*"|[^;'"])+/g), ([statement]) => statement.trim()).filter(
    (statement) => statement !== '',
  );
}
