/** Whether a value is what a schema of an OpenAPI document asks for: the keywords that Prometheus' document uses. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  minItems?: number;
  maxItems?: number;
  minimum?: number;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function fits(type: string, wanted: string): boolean {
  return type === wanted || (type === "integer" && wanted === "number");
}

export class SchemaChecker {
  readonly #schemas: Readonly<Record<string, Schema>>;

  constructor(schemas: Readonly<Record<string, Schema>>) {
    this.#schemas = schemas;
  }

  /** What is wrong first, with its path; undefined when nothing is. */
  check(value: unknown, schema: Schema, path = "$"): string | undefined {
    if (schema.$ref) return this.check(value, this.#schemas[schema.$ref.split("/").at(-1)!], path);
    const wanted = schema.type === undefined ? [] : [schema.type].flat();
    const type = typeOf(value);
    if (wanted.length > 0 && !wanted.some((name) => fits(type, name))) return `${path}: is ${type}, not ${wanted}`;
    if (schema.enum && !schema.enum.includes(value))
      return `${path}: ${JSON.stringify(value)} is none of ${schema.enum}`;
    if (schema.minimum !== undefined && Number(value) < schema.minimum) return `${path}: is below ${schema.minimum}`;
    for (const choices of [schema.oneOf, schema.anyOf]) {
      if (choices?.every((choice) => this.check(value, choice, path) !== undefined)) {
        return `${path}: fits none of the choices: ${this.check(value, choices[0], path)}`;
      }
    }
    if (Array.isArray(value)) return this.#array(value, schema, path);
    return typeof value === "object" && value !== null
      ? this.#object(value as Record<string, unknown>, schema, path)
      : undefined;
  }

  #array(items: readonly unknown[], { items: inner, minItems = 0, maxItems = Infinity }: Schema, path: string) {
    if (items.length < minItems || items.length > maxItems) return `${path}: has ${items.length} entries`;
    if (!inner) return undefined;
    for (const [i, item] of items.entries()) {
      const found = this.check(item, inner, `${path}[${i}]`);
      if (found) return found;
    }
    return undefined;
  }

  #object(object: Record<string, unknown>, schema: Schema, path: string): string | undefined {
    for (const name of schema.required ?? []) if (!Object.hasOwn(object, name)) return `${path}.${name}: is missing`;
    for (const [name, value] of Object.entries(object)) {
      const inner = schema.properties?.[name];
      const { additionalProperties } = schema;
      if (!inner && additionalProperties === false) return `${path}.${name}: is not known`;
      const rest = typeof additionalProperties === "object" ? additionalProperties : undefined;
      const found = this.check(value, inner ?? rest ?? {}, `${path}.${name}`);
      if (found) return found;
    }
    return undefined;
  }
}
