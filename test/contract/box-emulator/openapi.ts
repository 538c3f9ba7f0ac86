/** The parts of a JSON schema that Box's description uses. */
interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, Response>>;
}

/** An OpenAPI description, as far as answers are concerned. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const DEPTH_MAX = 60;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Checks answers against a description; every finding is one line of text. */
export class OpenApiChecker {
  readonly #description: Description;

  constructor(description: Description) {
    this.#description = description;
  }

  /** The described path that a request's path belongs to: of several the one with the most fixed parts. */
  templateOf(method: string, path: string): string | undefined {
    const parts = path.replace(/^(\/api)?\/2\.0/, '').split('/');
    const fits = Object.keys(this.#description.paths).filter((template) => {
      const pieces = template.split('#')[0]?.split('/') ?? [];
      return (
        this.#description.paths[template]?.[method.toLowerCase()] !== undefined &&
        !template.includes('#') &&
        pieces.length === parts.length &&
        pieces.every((piece, index) => piece.startsWith('{') || piece === parts[index])
      );
    });
    const variables = (template: string) => template.split('{').length;
    return fits.sort((left, right) => variables(left) - variables(right))[0];
  }

  /** What is wrong with an answer. */
  check(method: string, path: string, status: number, body: unknown): readonly string[] {
    const template = this.templateOf(method, path);
    const operation = this.#description.paths[template ?? '']?.[method.toLowerCase()];
    if (operation === undefined) return [`${method} ${path}: not described`];
    const where = `${method} ${template} ${status}`;
    const response = operation.responses[String(status)] ?? operation.responses['default'];
    if (response === undefined) return [`${where}: status not described`];
    const schema = Object.values(response.content ?? {})[0]?.schema;
    if (schema === undefined) return body === undefined ? [] : [`${where}: a body where none is described`];
    if (body === undefined) return [`${where}: no body`];
    return this.validate(schema, body).map((finding) => `${where}: ${finding}`);
  }

  validate(schema: Schema, value: unknown): readonly string[] {
    const findings: string[] = [];
    this.#visit(schema, value, '', findings, 0);
    return findings;
  }

  #visit(given: Schema, value: unknown, at: string, findings: string[], depth: number): void {
    const schema = this.#resolve(given);
    if (depth > DEPTH_MAX || (value === null && this.#isNullable(given))) return;
    for (const part of schema.allOf ?? []) this.#visit(part, value, at, findings, depth + 1);
    for (const choice of [schema.oneOf, schema.anyOf]) {
      if (choice === undefined) continue;
      const tries = choice.map((each) => this.#tryOn(each, value, at, depth));
      if (tries.every((each) => each.length > 0))
        findings.push(...(tries.sort((left, right) => left.length - right.length)[0] ?? []));
    }
    this.#checkScalar(schema, value, at, findings);
    if (schema.type === 'array' || schema.items !== undefined)
      this.#checkArray(schema, value, at, findings, depth);
    if (schema.properties !== undefined || schema.required !== undefined)
      this.#checkObject(schema, value, at, findings, depth);
  }

  #tryOn(schema: Schema, value: unknown, at: string, depth: number): string[] {
    const findings: string[] = [];
    this.#visit(schema, value, at, findings, depth + 1);
    return findings;
  }

  #resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.split('/').at(-1) ?? '';
    const found = this.#description.components.schemas[name];
    if (found === undefined) throw new Error(`no schema ${name}`);
    return this.#resolve(found);
  }

  #isNullable(given: Schema): boolean {
    const schema = this.#resolve(given);
    return (
      given.nullable === true ||
      schema.nullable === true ||
      (schema.allOf ?? []).some((part) => this.#isNullable(part)) ||
      (schema.oneOf ?? schema.anyOf ?? []).some((part) => this.#isNullable(part))
    );
  }

  #checkScalar(schema: Schema, value: unknown, at: string, findings: string[]): void {
    const place = at || '/';
    const is = kindOf(value);
    if (schema.type !== undefined && !fitsType(schema.type, value)) {
      findings.push(`${place} is ${is}, not ${schema.type}`);
      return;
    }
    if (schema.enum !== undefined && value !== null && !schema.enum.includes(value))
      findings.push(`${place} is ${JSON.stringify(value)}, not one of ${JSON.stringify(schema.enum)}`);
    if (typeof value === 'string') checkString(schema, value, place, findings);
    if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)))
      findings.push(`${place} is out of range`);
  }

  #checkArray(schema: Schema, value: unknown, at: string, findings: string[], depth: number): void {
    if (!Array.isArray(value)) return;
    if (schema.minItems !== undefined && value.length < schema.minItems)
      findings.push(`${at} has too few items`);
    for (const [index, each] of value.entries())
      if (schema.items !== undefined) this.#visit(schema.items, each, `${at}/${index}`, findings, depth + 1);
  }

  #checkObject(schema: Schema, value: unknown, at: string, findings: string[], depth: number): void {
    if (typeof value !== 'object' || value === null) return;
    const object = value as Readonly<Record<string, unknown>>;
    for (const name of schema.required ?? [])
      if (object[name] === undefined) findings.push(`${at}/${name} is missing`);
    for (const [name, each] of Object.entries(schema.properties ?? {}))
      if (object[name] !== undefined) this.#visit(each, object[name], `${at}/${name}`, findings, depth + 1);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function fitsType(type: string, value: unknown): boolean {
  const kind = kindOf(value);
  if (type === 'integer') return kind === 'number' && Number.isInteger(value);
  return kind === type;
}

function checkString(schema: Schema, value: string, place: string, findings: string[]): void {
  if (schema.format === 'date-time' && !RFC3339.test(value))
    findings.push(`${place} is no date-time: ${value}`);
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    findings.push(`${place} is too long`);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    findings.push(`${place} does not match ${schema.pattern}`);
}
