import type { Logger } from 'pino';
import { faultFields, faultOf } from '../fault.ts';
import type { JsonSchema } from '../pipeline/json-schema.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Schema } from '../pipeline/schema.ts';
import type { System } from './declared-system.ts';
import { jsonSchemaOf } from './parse-request.ts';

/*
 * The generic routes exist once in the server, with the pipeline as a parameter. Readers of the API description, and client generators,
 * want them once per pipeline, under the name of its system and with the schemas of its events and states.
 */

/** A part of an OpenAPI document, as JSON. */
type Part = Readonly<Record<string, unknown>>;

interface PipelineRoute {
  /** The part of the path after `/pipelines/{pipeline}`. */
  readonly end: string;
  /** The last part of each operation's id, by method. */
  readonly operations: Readonly<Record<string, string>>;
  /** The places of the event or the state in the operation. */
  readonly places?: readonly { readonly of: 'event' | 'state'; readonly at: readonly string[] }[];
  readonly isOf: (pipeline: AnyPipeline) => boolean;
}

const requestSchema = ['requestBody', 'content', 'application/json', 'schema'];
const answerSchema = ['responses', '200', 'content', 'application/json', 'schema'];

const exampleState = ['responses', '200', 'content', 'application/json', 'example', 'state'];

const everyPipeline = () => true;
const takesEventsIn = ({ genericIngest }: AnyPipeline) => genericIngest;

const pipelineRoutes: readonly PipelineRoute[] = [
  { end: '/events', operations: { post: 'ingest' }, places: [{ of: 'event', at: requestSchema }], isOf: takesEventsIn },
  {
    end: '/events/batch',
    operations: { post: 'ingestBatch' },
    places: [{ of: 'event', at: [...requestSchema, 'properties', 'events', 'items'] }],
    isOf: takesEventsIn,
  },
  {
    end: '/keys/{key}',
    operations: { get: 'getKey' },
    places: [{ of: 'state', at: [...answerSchema, 'properties', 'state'] }],
    isOf: everyPipeline,
  },
  { end: '/gaps', operations: { get: 'getGaps' }, isOf: ({ order }) => order !== undefined },
  {
    end: '/schedule',
    operations: { get: 'getSchedule', post: 'setSchedule' },
    isOf: (pipeline) => pipeline.schedule !== undefined,
  },
];

/** Returns the OpenAPI document with the generic routes written out for each pipeline of these systems. */
export function documentPipelines<Document extends object>(document: Document, systems: readonly System[], log: Logger): Document {
  const paths: Record<string, unknown> = 'paths' in document ? { ...Object(document.paths) } : {};
  const schemas: Record<string, JsonSchema> = {};
  for (const { end, operations, places = [], isOf } of pipelineRoutes) {
    const generic: Part = Object(paths[`/pipelines/{pipeline}${end}`]);
    delete paths[`/pipelines/{pipeline}${end}`];
    for (const { system, pipeline } of pipelinesOf(systems)) {
      if (!isOf(pipeline)) continue;
      const item = Object.entries(operations).map(([method, operation]): [string, Part] => {
        let own = ownOperation(Object(generic[method]), operation, system, pipeline);
        for (const { of, at } of places) {
          const reference = addSchema(schemas, pipeline, of, log);
          if (reference !== undefined) own = withPart(own, at, reference);
          // The generic example is not a state of this pipeline.
          if (reference !== undefined && of === 'state') own = withPart(own, exampleState, null);
        }
        return [method, own];
      });
      paths[`/pipelines/${pipeline.name}${end}`] = Object.fromEntries(item);
    }
  }
  const components: Part = 'components' in document ? Object(document.components) : {};
  return { ...document, paths, components: { ...components, schemas: { ...Object(components.schemas), ...schemas } } };
}

function pipelinesOf(systems: readonly System[]): readonly { readonly system: System; readonly pipeline: AnyPipeline }[] {
  return systems.flatMap((system) => system.pipelines.map((pipeline) => ({ system, pipeline })));
}

/** Returns the operation without the parameters that a specific pipeline lacks: its name, and a key if numbers identify its events. */
function ownOperation({ parameters, ...generic }: Part, operation: string, system: System, { name, order }: AnyPipeline): Part {
  const isOwn = (parameter: Part) => parameter.name !== 'pipeline' && (order === undefined || parameter.name !== 'idempotency-key');
  const own = Array.isArray(parameters) ? parameters.filter(isOwn) : [];
  return { ...generic, tags: [system.name], operationId: `${name}.${operation}`, ...(own.length > 0 && { parameters: own }) };
}

/** Returns a copy with another value at the end of these names. */
function withPart(part: Part, [name, ...rest]: readonly string[], value: unknown): Part {
  if (name === undefined) return Object(value);
  return { ...part, [name]: rest.length === 0 ? value : withPart(Object(part[name]), rest, value) };
}

/** Adds the schema of the pipeline's events or states, and returns a reference to it. Undefined if JSON Schema cannot express it. */
function addSchema(schemas: Record<string, JsonSchema>, pipeline: AnyPipeline, of: 'event' | 'state', log: Logger): JsonSchema | undefined {
  const schema = of === 'event' ? pipeline.event : pipeline.state?.schema;
  if (schema === undefined) return undefined;
  const name = `${pipeline.name}.${of}`;
  if (schemas[name] === undefined)
    Object.assign(schemas, componentsOf(name, schemaOf(schema, of === 'event' ? 'input' : 'output', name, log)));
  const reference = { $ref: `#/components/schemas/${name}` };
  if (of === 'event') return reference;
  return { description: 'The committed state; null if there is none', anyOf: [reference, { type: 'null' }] };
}

/** Allows any value for a schema that its library cannot convert to JSON Schema: the pipeline still accepts events. */
function schemaOf(schema: Schema, side: 'input' | 'output', name: string, log: Logger): JsonSchema {
  try {
    return jsonSchemaOf(schema, side);
  } catch (error) {
    log.warn({ schema: name, ...faultFields(faultOf(error)) }, 'the API description allows any value: this schema has no JSON Schema');
    return {};
  }
}

/** Returns the schema and its definitions as separate components that refer to each other. */
function componentsOf(name: string, { $defs, ...schema }: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const definitions = Object.entries<unknown>(Object($defs)).map(([definition, part]) => [definitionName(name, definition), part] as const);
  return Object.fromEntries([[name, schema] as const, ...definitions].map(([own, part]) => [own, Object(withReferences(part, name))]));
}

function definitionName(name: string, definition: string): string {
  return `${name}.${definition.replace(/[^\w.-]/g, '_')}`;
}

/** Returns a copy whose references lead to the components of the schema `name`. */
function withReferences(part: unknown, name: string): unknown {
  if (Array.isArray(part)) return part.map((item) => withReferences(item, name));
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([property, value]) => [
      property,
      property === '$ref' && typeof value === 'string' ? referenceWithin(value, name) : withReferences(value, name),
    ]),
  );
}

function referenceWithin(reference: string, name: string): string {
  const [, definition, rest] = /^#\/\$defs\/([^/]+)(.*)$/.exec(reference) ?? [];
  if (definition !== undefined) return `#/components/schemas/${definitionName(name, decodeURIComponent(definition))}${rest}`;
  return reference.startsWith('#') ? `#/components/schemas/${name}${reference.slice(1)}` : reference;
}
