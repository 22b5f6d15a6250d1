import {
  AndNode,
  type BinaryOperationNode,
  ColumnNode,
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  PrimitiveValueListNode,
  type QueryResult,
  ReferenceNode,
  type RootOperationNode,
  TableNode,
  TupleNode,
  type UnknownRow,
  ValueListNode,
  ValueNode,
} from 'kysely';
import { kindOf, type Table } from '../pipeline/table.ts';

/** Rewrites values that a query compares with moment columns to the form the database compares. Raw SQL is left as it is. */
export class MomentParameters implements KyselyPlugin {
  readonly #transformer: Comparisons;

  constructor(table: Table, momentText: (moment: string) => string) {
    this.#transformer = new Comparisons(table, momentText);
  }

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.transformNode(node);
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}

class Comparisons extends OperationNodeTransformer {
  readonly #table: Table;
  readonly #momentText: (moment: string) => string;

  constructor(table: Table, momentText: (moment: string) => string) {
    super();
    this.#table = table;
    this.#momentText = momentText;
  }

  protected override transformBinaryOperation(node: BinaryOperationNode): BinaryOperationNode {
    const { leftOperand, operator, rightOperand, ...compared } = super.transformBinaryOperation(node);
    return {
      ...compared,
      operator,
      leftOperand: this.#beside(rightOperand, leftOperand),
      rightOperand: this.#beside(leftOperand, rightOperand),
    };
  }

  /** Returns an operand with its moments in the database's form, if it is compared with a moment column. */
  #beside(column: OperationNode, operand: OperationNode): OperationNode {
    if (ValueListNode.is(operand))
      return { ...operand, values: operand.values.map((value) => this.#beside(column, value)) } as ValueListNode;
    if (TupleNode.is(column) && TupleNode.is(operand)) {
      const values = operand.values.map((value, at) => this.#beside(column.values[at] ?? operand, value));
      return { ...operand, values } as TupleNode;
    }
    if (!this.#isMoment(column)) return operand;
    // From BETWEEN.
    if (AndNode.is(operand)) return AndNode.create(this.#beside(column, operand.left), this.#beside(column, operand.right));
    if (ValueNode.is(operand)) return { ...operand, value: this.#written(operand.value) } as ValueNode;
    if (!PrimitiveValueListNode.is(operand)) return operand;
    return { ...operand, values: operand.values.map((value) => this.#written(value)) } as PrimitiveValueListNode;
  }

  #isMoment(operand: OperationNode): boolean {
    if (!ReferenceNode.is(operand) || !ColumnNode.is(operand.column)) return false;
    const { table, column } = operand;
    const isOurs = table === undefined || (TableNode.is(table) && table.table.identifier.name === this.#table.name);
    const type = isOurs ? this.#table.columns[column.column.name] : undefined;
    return type !== undefined && kindOf(type) === 'moment';
  }

  #written(value: unknown): unknown {
    return typeof value === 'string' ? this.#momentText(value) : value;
  }
}
