import type { z } from 'zod';
import { faultText, valueAt } from '../../issue-words.ts';
import { BASE_URL_KEYS, BOX_KEYS, RATE_LIMIT_KEYS } from './box-section.ts';
import type { ConfigurationDocument } from './document.ts';
import { GRPC_KEYS } from './grpc-section.ts';
import { isRecord } from './json-text.ts';
import { type UnknownKey, unknownKeysOf, unknownKeyText } from './known-keys.ts';
import { canonicalDocument, type SecondName } from './second-names.ts';

/** What one side's file may say. */
export interface Side<Shape extends z.ZodRawShape> {
  readonly schema: z.ZodObject<Shape>;
  /** Names that older texts use for a key. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Keys of the other side's file, which are nobody's slip of the pen here. */
  readonly elsewhere: readonly string[];
  /** What only shows when keys are seen together; one line per contradiction. */
  readonly contradictions: (value: Partial<z.infer<z.ZodObject<Shape>>>) => readonly string[];
  /** What is no fault but will not do what it seems to; one line each. */
  readonly oddities: (value: z.infer<z.ZodObject<Shape>>) => readonly string[];
}

/** What is to be said of a file. Guarantees: without faults there is a value. */
export interface Judgement<Value> {
  /** The file with each key under its one name and in its one place. */
  readonly document: ConfigurationDocument;
  readonly value: Value | undefined;
  /** One line each; none when the file can be used. */
  readonly faults: readonly string[];
  /** One line each, of a file with or without faults. */
  readonly warnings: readonly string[];
}

/** One line per fault: the key, what was found, what is allowed, and for a missing key what may be meant for it. */
function faultLines(
  document: ConfigurationDocument,
  issues: readonly z.core.$ZodIssue[],
  unknown: readonly UnknownKey[],
): readonly string[] {
  return issues.map((issue) => {
    const text = faultText(issue, document);
    if (valueAt(document, issue.path) !== undefined) return text;
    const meant = meantFor(issue.path.map(String).join('.'), unknown);
    return meant === undefined
      ? text
      : text.replace(' is missing', ` is missing (is ${meant.key} meant for it?)`);
  });
}

/** The unknown key that a missing one may be misspelt as. */
function meantFor(missing: string, unknown: readonly UnknownKey[]): UnknownKey | undefined {
  return unknown.find(({ nearest }) => nearest === missing);
}

/** Without the key that a path leads to; an entry of a list takes its whole list along. */
function withoutKey(value: unknown, [name, ...rest]: readonly PropertyKey[]): unknown {
  if (!isRecord(value) || name === undefined) return value;
  const entries = Object.entries(value);
  const isWithin = rest.length > 0 && isRecord(value[String(name)]);
  if (!isWithin) return Object.fromEntries(entries.filter(([each]) => each !== String(name)));
  return Object.fromEntries(
    entries.map(([each, inner]) => [each, each === String(name) ? withoutKey(inner, rest) : inner]),
  );
}

/** With more faults than these, whole keys of the top go instead of what is wrong in them. */
const EXACT_FAULTS_MAX = 100;

function withoutFaults(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (issues.length <= EXACT_FAULTS_MAX)
    return issues.reduce((left, { path }) => withoutKey(left, path), value);
  if (!isRecord(value)) return value;
  const faulty = new Set(issues.map(({ path }) => String(path[0])));
  return Object.fromEntries(Object.entries(value).filter(([name]) => !faulty.has(name)));
}

/** What the sound keys say, the keys at fault left out: what is wrong between the others shows as well. */
function soundPart<Shape extends z.ZodRawShape>(
  document: ConfigurationDocument,
  schema: z.ZodObject<Shape>,
  issues: readonly z.core.$ZodIssue[],
): Partial<z.infer<z.ZodObject<Shape>>> {
  const partial = schema.partial();
  const first = partial.safeParse(withoutFaults(document, issues));
  // A section that lacks a key it needs cannot be judged at all: it is left out whole.
  const deeper = first.success ? [] : first.error.issues.map(({ path }) => ({ path: path.slice(0, 1) }));
  const left = [...issues, ...(deeper as z.core.$ZodIssue[])];
  const second = first.success ? first : partial.safeParse(withoutFaults(document, left));
  return second.success ? (withoutFaults(second.data, left) as Partial<z.infer<z.ZodObject<Shape>>>) : {};
}

/** Faults of a value that another name of its key wins over: it is wrong all the same. */
function secondFaults<Shape extends z.ZodRawShape>(
  seconds: readonly SecondName[],
  schema: z.ZodObject<Shape>,
): readonly string[] {
  return seconds.flatMap(({ written, place, value }) => {
    const nested = place.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    const issues = schema.safeParse(nested).error?.issues ?? [];
    const own = issues.filter(({ path }) => place.every((name, depth) => path[depth] === name));
    return own.map((issue) =>
      faultText({ ...issue, path: [written, ...issue.path.slice(place.length)] }, { [written]: value }),
    );
  });
}

/** Judge a file by what its side may say. Guarantees: every fault of the file is among the faults, none twice. */
export function judgeDocument<Shape extends z.ZodRawShape>(
  raw: ConfigurationDocument,
  side: Side<Shape>,
): Judgement<z.infer<z.ZodObject<Shape>>> {
  const { schema, contradictions, oddities } = side;
  const { document, seconds } = canonicalDocument(raw, side.aliases);
  const unknown = unknownKeys(document, side);
  const parsed = schema.safeParse(document);
  const issues = parsed.error?.issues ?? [];
  const missing = issues.map(({ path }) => path.map(String).join('.'));
  // Named already beside the missing key.
  const told = new Set(missing.flatMap((name) => meantFor(name, unknown) ?? []));
  const untold = unknown.filter((each) => !told.has(each));
  const faults = [
    ...faultLines(document, issues, unknown),
    ...secondFaults(seconds, schema),
    ...contradictions(parsed.success ? parsed.data : soundPart(document, schema, issues)),
    ...untold.filter(({ isSlip }) => isSlip).map(unknownKeyText),
  ];
  const warnings = [
    ...untold.filter(({ isSlip }) => !isSlip).map(unknownKeyText),
    ...seconds.map(({ written, winner }) => `${written} is ignored: ${winner} counts`),
    ...(parsed.success ? oddities(parsed.data) : []),
  ];
  return { document, value: faults.length === 0 ? parsed.data : undefined, faults, warnings };
}

/** Every section that has keys of its own, by its place. */
const SECTIONS: readonly (readonly [place: readonly string[], known: readonly string[]])[] = [
  [['box_configuration'], BOX_KEYS],
  [['box_configuration', 'base_urls'], BASE_URL_KEYS],
  [['box_configuration', 'rate_limits'], RATE_LIMIT_KEYS],
  [['grpc_configuration'], GRPC_KEYS],
];

function unknownKeys<Shape extends z.ZodRawShape>(
  document: ConfigurationDocument,
  { schema, aliases, elsewhere }: Side<Shape>,
): readonly UnknownKey[] {
  // gRPC's keys and older names may stand at the top level too, and be misspelt there.
  const known = [...Object.keys(schema.shape), ...Object.keys(aliases), ...GRPC_KEYS];
  return [
    ...unknownKeysOf(document, known).map((each) =>
      elsewhere.includes(each.key) ? { ...each, isSlip: false, nearest: undefined } : each,
    ),
    ...SECTIONS.flatMap(([place, keys]) => {
      const section = valueAt(document, place);
      return isRecord(section) ? unknownKeysOf(section, keys, `${place.join('.')}.`) : [];
    }),
  ];
}
