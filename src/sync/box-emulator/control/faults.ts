import { z } from 'zod';
import { type Random, randomName } from '../../../random.ts';
import type { EventTampering } from '../events/event-feed.ts';

const FAULTS_MAX = 1000;
const delayMs = z.number().min(0).max(3_600_000);
const byte = z.number().int().min(0);

const actionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(200).max(599),
    headers: z.record(z.string().regex(/^[a-z0-9-]+$/i), z.string().regex(/^[^\r\n]*$/)).optional(),
    /** Text is sent as it is (as HTML unless a content-type is given), anything else as JSON; absent: Box's error body. */
    body: z.unknown().optional(),
    code: z.string().optional(),
    message: z.string().optional(),
    /** "after": the request takes effect, and only its answer is replaced. */
    when: z.enum(['before', 'after']).default('before'),
  }),
  z.strictObject({ kind: z.literal('drop_before') }),
  z.strictObject({ kind: z.literal('drop_after') }),
  z.strictObject({
    kind: z.literal('truncate'),
    /** How many bytes of the body are sent; default half. */
    at: byte.optional(),
    /** False (default): with the full content-length and an open connection; true: chunked, and cut off. */
    chunked: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('corrupt'), at: byte.optional() }),
  z.strictObject({
    kind: z.literal('stall'),
    /** How many bytes of the body are sent before nothing more comes; absent: not even a status. */
    at: byte.optional(),
  }),
  z.strictObject({ kind: z.literal('delay'), ms: delayMs }),
  z.strictObject({
    kind: z.literal('events'),
    effect: z.enum(['duplicate', 'reorder', 'lose', 'late']),
    /** How late, or how long the window is in which events are shuffled. */
    ms: delayMs.default(1000),
    /** Only events of this type. */
    type: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('listing'),
    /** What happens to the entries of a page: its last one is missing, or comes twice. */
    effect: z.enum(['omit', 'double']),
  }),
]);

/** What a fault does. */
export type FaultAction = z.infer<typeof actionSchema>;

const faultSchema = z.strictObject({
  match: z
    .strictObject({
      method: z.string().max(10).optional(),
      /** A path in which `*` stands for any text without a slash, `**` for any text. */
      path: z.string().max(500).optional(),
      /** A user's name, login or id. */
      user: z.string().max(255).optional(),
    })
    .default({}),
  action: actionSchema,
  /** How often it strikes; absent: until it is deleted. */
  times: z.number().int().min(1).optional(),
  /** How many matching requests pass unharmed first. */
  after: z.number().int().min(0).default(0),
  probability: z.number().min(0).max(1).default(1),
});

type FaultRequest = z.infer<typeof faultSchema>;

/** What a fault is matched with. */
export interface FaultSubject {
  readonly method: string;
  /** The request's path; for content served from a link also the path that gave the link. */
  readonly path: string;
  readonly user: { readonly id: number; readonly name: string; readonly login: string } | undefined;
}

interface ArmedFault {
  readonly id: string;
  readonly request: FaultRequest;
  readonly path: RegExp | undefined;
  passed: number;
  struck: number;
}

/** Kinds that strike the bytes of a body, and so the place where the body really comes from. */
const BODY_KINDS: readonly FaultAction['kind'][] = ['truncate', 'corrupt', 'stall'];

/** True for faults that strike the bytes of a body. */
export function strikesBody(action: FaultAction): boolean {
  return BODY_KINDS.includes(action.kind);
}

/** Faults that wait for a request that they match. */
export class Faults {
  readonly #random: Random;
  readonly #armed = new Map<string, ArmedFault>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Arm a fault. Errors: a ZodError that names what is wrong. */
  add(request: unknown): string {
    const parsed = faultSchema.parse(request);
    const oldest = this.#armed.keys().next();
    if (this.#armed.size >= FAULTS_MAX && !oldest.done) this.#armed.delete(oldest.value);
    const id = randomName(this.#random, 12);
    const path = parsed.match.path === undefined ? undefined : globOf(parsed.match.path);
    this.#armed.set(id, { id, request: parsed, path, passed: 0, struck: 0 });
    return id;
  }

  remove(id: string): boolean {
    return this.#armed.delete(id);
  }

  clear(): void {
    this.#armed.clear();
  }

  list(): readonly unknown[] {
    return [...this.#armed.values()].map(({ id, request, struck }) => ({ id, ...request, struck }));
  }

  /** The first fault that strikes this request, if any. `wanted` tells which kinds can strike here. */
  strike(subject: FaultSubject, wanted: (action: FaultAction) => boolean): FaultAction | undefined {
    for (const fault of this.#armed.values()) {
      const { action } = fault.request;
      if (action.kind === 'events' || !wanted(action) || !matches(fault, subject)) continue;
      if (this.#fires(fault)) return action;
    }
    return undefined;
  }

  /** What happens to an event on its way to a user. */
  tamper(type: string, user: FaultSubject['user']): EventTampering | undefined {
    for (const fault of this.#armed.values()) {
      const { action } = fault.request;
      if (action.kind !== 'events' || (action.type !== undefined && action.type !== type)) continue;
      if (!matchesUser(fault.request.match.user, user) || !this.#fires(fault)) continue;
      switch (action.effect) {
        case 'reorder':
          return { kind: 'reorder', windowMs: action.ms };
        case 'late':
          return { kind: 'late', delayMs: action.ms };
        case 'duplicate':
        case 'lose':
          return { kind: action.effect };
      }
    }
    return undefined;
  }

  #fires(fault: ArmedFault): boolean {
    const { after, probability, times } = fault.request;
    fault.passed += 1;
    if (fault.passed <= after) return false;
    if (probability < 1 && this.#random.next() >= probability) return false;
    fault.struck += 1;
    if (times !== undefined && fault.struck >= times) this.#armed.delete(fault.id);
    return true;
  }
}

function matches(fault: ArmedFault, subject: FaultSubject): boolean {
  const { match } = fault.request;
  if (match.method !== undefined && match.method.toUpperCase() !== subject.method) return false;
  if (fault.path !== undefined && !fault.path.test(subject.path)) return false;
  return matchesUser(match.user, subject.user);
}

function matchesUser(wanted: string | undefined, user: FaultSubject['user']): boolean {
  if (wanted === undefined) return true;
  return user !== undefined && [user.name, user.login, String(user.id)].includes(wanted);
}

function globOf(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*|\*)/)
    .map((part) =>
      part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`);
}
