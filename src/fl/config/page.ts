import { OPTION_SCHEMAS, type RuleName } from '../aggregate/aggregator-options.ts';
import { COMMAND_OPTIONS } from '../executor/command-options.ts';
import { describedKeys, describedSchema } from './json-schema.ts';
import { PAGE_TEXTS } from './page-texts.ts';
import type { SchemaPart } from './schema-conditions.ts';
import { type Role, SIDES } from './sides.ts';
import { MLFLOW_ENTRY, TENSORBOARD_ENTRY } from './tracking-section.ts';
import { stringifyAsWritten } from './written-numbers.ts';

type Keys = Readonly<Record<string, SchemaPart>>;

const code = (value: unknown) => {
  const text = stringifyAsWritten(value)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/([[{]) | ([\]}])/g, '$1$2');
  return `\`${text.replaceAll('|', '\\|')}\``;
};

/** The kinds of value that a key may have, each by itself. */
function formsOf(part: SchemaPart): readonly SchemaPart[] {
  const { anyOf, type } = part;
  if (Array.isArray(anyOf)) return anyOf as readonly SchemaPart[];
  return Array.isArray(type) ? type.map((each) => ({ ...part, type: each })) : [part];
}

/** What people call the kind of a value. */
function kindOf(part: SchemaPart): string {
  if (part['const'] !== undefined) return code(part['const']);
  if (Array.isArray(part['enum'])) return part['enum'].map(code).join(' or ');
  const type = part['type'];
  if (type === 'object') return part['properties'] === undefined ? 'keys and values' : 'section';
  if (type === 'array') return 'list';
  if (type === 'integer') return 'whole number';
  if (type === 'string') return part['format'] === 'uri' ? 'address' : 'text';
  return type === 'boolean' ? '`true` or `false`' : String(type);
}

function rangeOf(part: SchemaPart): string {
  const shown = (value: unknown) => Number(value).toLocaleString('en-US', { maximumFractionDigits: 9 });
  const bounds = [
    ['minimum', 'at least '],
    ['exclusiveMinimum', 'above '],
    ['maximum', 'at most '],
    ['exclusiveMaximum', 'below '],
  ] as const;
  return bounds
    .flatMap(([name, words]) => (part[name] === undefined ? [] : [`${words}${shown(part[name])}`]))
    .join(', ');
}

function typeOf(part: SchemaPart): string {
  const forms = formsOf(part);
  const range = forms.map(rangeOf).find((words) => words !== '');
  const words = [...new Set(forms.map(kindOf))]
    .map((kind) => (kind === 'null' ? '`null`' : kind))
    .join(' or ');
  return range === undefined ? words : `${words}, ${range}`;
}

function defaultOf(name: string, part: SchemaPart, required: readonly string[]): string {
  if (required.includes(name)) return '**needed**';
  const { absent, default: value } = part;
  const words = String(absent ?? '').replaceAll('|', '\\|');
  if (value === undefined) return absent === undefined ? 'none' : words;
  return absent === undefined ? code(value) : `${code(value)}: ${words}`;
}

function sentenceOf(part: SchemaPart): string {
  const { description, unit, examples } = part;
  const example = Array.isArray(examples) ? ` Example: ${examples.map(code).join(', ')}.` : '';
  const counted = typeof unit === 'string' ? ` Unit: ${unit}.` : '';
  return `${String(description).replaceAll('|', '\\|')}${counted}${example}`;
}

const cellsOf = (name: string, part: SchemaPart, required: readonly string[]) =>
  [`\`${name}\``, typeOf(part), defaultOf(name, part, required), sentenceOf(part)].join(' | ');

const requiredOf = (part: SchemaPart) => (part['required'] ?? []) as readonly string[];

function table(keys: Keys, required: readonly string[]): readonly string[] {
  return [
    '| key | type | default | what it does |',
    '|---|---|---|---|',
    ...Object.entries(keys).map(([name, part]) => `| ${cellsOf(name, part, required)} |`),
  ];
}

/** The keys of a section, and those of the sections within it. */
function sectionTables(part: SchemaPart, place: string, depth: number): readonly string[] {
  const section = formsOf(part).find((form) => form['properties'] !== undefined) ?? {};
  const keys = (section['properties'] ?? {}) as Keys;
  return [
    `${'#'.repeat(depth)} \`${place}\``,
    '',
    ...(depth === 2 ? [PAGE_TEXTS[place] ?? '', ''] : [sentenceOf(part), '']),
    ...table(keys, requiredOf(section)),
    '',
    ...Object.entries(keys)
      .filter(([, inner]) => formsOf(inner).some((form) => form['properties'] !== undefined))
      .flatMap(([name, inner]) => sectionTables(inner, `${place}.${name}`, depth + 1)),
  ];
}

function sideTables(role: Role): readonly string[] {
  const schema = describedSchema(SIDES[role].schema);
  return [`## The ${role}'s file`, '', ...table(schema.properties, requiredOf(schema)), ''];
}

/** The options of the rules, each option once: rules that take the same one take it with the same meaning. */
function ruleTable(): readonly string[] {
  const rules = Object.keys(OPTION_SCHEMAS) as RuleName[];
  const rows = new Map<string, RuleName[]>();
  for (const rule of rules) {
    const schema = describedSchema(OPTION_SCHEMAS[rule]);
    for (const [name, part] of Object.entries(schema.properties)) {
      const cells = cellsOf(name, part, requiredOf(schema));
      rows.set(cells, [...(rows.get(cells) ?? []), rule]);
    }
  }
  const whose = (names: readonly RuleName[]) =>
    names.length === rules.length ? 'every rule' : names.map((name) => `\`${name}\``).join(', ');
  return [
    '| rule | option | type | default | what it does |',
    '|---|---|---|---|---|',
    ...[...rows].map(([cells, names]) => `| ${whose(names)} | ${cells} |`),
    '',
  ];
}

/** The keys of an entry of `tracking`, by its type. */
function trackingTables(): readonly string[] {
  const entries = [TENSORBOARD_ENTRY, MLFLOW_ENTRY].map(describedSchema);
  return [
    '## `tracking`',
    '',
    PAGE_TEXTS['tracking'] ?? '',
    '',
    ...entries.flatMap((schema) => [...table(schema.properties, requiredOf(schema)), '']),
  ];
}

/** docs/configuration.md as it follows from where the keys are defined. */
export function configurationPage(): string {
  const { box_configuration, grpc_configuration, notify } = describedKeys(SIDES.server.schema);
  const lines = [
    PAGE_TEXTS['introduction'] ?? '',
    '',
    ...sideTables('server'),
    ...sideTables('client'),
    ...sectionTables(box_configuration ?? {}, 'box_configuration', 2),
    ...sectionTables(grpc_configuration ?? {}, 'grpc_configuration', 2),
    ...sectionTables(notify ?? {}, 'notify', 2),
    ...trackingTables(),
    '## `executor_options`',
    '',
    PAGE_TEXTS['executor_options'] ?? '',
    '',
    ...table(describedKeys(COMMAND_OPTIONS), []),
    '',
    '## `aggregator_options`',
    '',
    PAGE_TEXTS['aggregator_options'] ?? '',
    '',
    ...ruleTable(),
    PAGE_TEXTS['key'] ?? '',
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
