import type { CreationBudget } from './creation-budget.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed } from './malformed.ts';
import { asKey, callGlobal, newObject, newObjectWithKeywords, storageOf } from './pickle-calls.ts';
import { PickleCursor } from './pickle-cursor.ts';
import { PickleFactory } from './pickle-factory.ts';
import { PickleMemo } from './pickle-memo.ts';
import { PickleStack } from './pickle-stack.ts';
import {
  type DictNode,
  isNode,
  kindWords,
  type ListNode,
  type PickleValue,
  type SetNode,
  type StorageNode,
} from './pickle-value.ts';

/** A finished stream: its value, what it mentions, and where the next one may start. */
export interface PickleResult {
  readonly value: PickleValue;
  /** Names that are not on the list of what a checkpoint may hold, also of objects that the stream threw away. */
  readonly foreign: ReadonlySet<string>;
  /** By key. */
  readonly storages: ReadonlyMap<string, StorageNode>;
  readonly end: number;
}

/** The newest pickle protocol that is known. */
const PROTOCOL_MAX = 5;

/**
 * Runs one pickle stream without running anything: names stay names, calls of unknown names stay inert objects.
 *
 * Guarantees: work and memory are bounded by the limits and the budget; no recursion; the input is not kept; what is
 * accepted, Python reads the same.
 * Errors: CorruptError naming what is wrong; 'over-budget' naming what was too much.
 * Source: CPython's pickletools for the instructions' arguments.
 */
export class PickleMachine {
  readonly stack = new PickleStack();
  readonly factory: PickleFactory;
  readonly #cursor: PickleCursor;
  readonly #limits: CheckpointLimits;
  readonly #memo: PickleMemo;

  /** Without a budget, the stream counts as a file of its own. */
  constructor(bytes: Buffer, start: number, limits: CheckpointLimits, budget?: CreationBudget) {
    this.#cursor = new PickleCursor(bytes, start);
    this.#limits = limits;
    this.factory = new PickleFactory(bytes.length, limits, budget);
    this.#memo = new PickleMemo(this.factory.budget);
  }

  run(): PickleResult {
    const cursor = this.#cursor;
    for (let count = 0; count < this.#limits.opcodesMax; count += 1) {
      const opcode = cursor.uint8();
      if (opcode === STOP) return this.#finish();
      // Half of a stream is this one instruction; it is spared the table.
      if (opcode === BINPUT) {
        this.#memo.put(cursor.uint8(), this.stack.top());
        continue;
      }
      const instruction = INSTRUCTIONS[opcode];
      if (instruction === undefined)
        throw malformed('bad-opcode', `instruction 0x${opcode.toString(16)} has no place in a checkpoint`, {
          offset: cursor.position - 1,
          opcode,
        });
      instruction(this, cursor);
    }
    throw malformed('too-large', 'the pickle stream has too many instructions', {
      max: this.#limits.opcodesMax,
    });
  }

  #finish(): PickleResult {
    const value = this.stack.finish();
    const { foreign, storages } = this.factory;
    return { value, foreign, storages, end: this.#cursor.position };
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  remember(slot: number): void {
    this.#memo.put(slot, this.stack.top());
  }

  rememberNext(): void {
    this.#memo.putNext(this.stack.top());
  }

  recall(slot: number): void {
    this.push(this.#memo.get(slot));
  }

  pushGlobal(module: string, name: string): void {
    this.push(this.factory.global(module, name));
  }

  pushInteger(bytes: number): void {
    this.push(this.#cursor.integer(bytes) ?? this.factory.opaque('an integer beyond 128 bits'));
  }

  /** REDUCE: call what is below the top with the arguments on top. */
  call(): void {
    const args = this.stack.pop();
    const callable = this.stack.pop();
    if (isNode(callable) && callable.kind === 'global')
      this.push(callGlobal(this.factory, callable.name, args));
    else if (isNode(callable) && callable.kind === 'opaque') {
      // Nothing on the list of known names makes an object that is there to be called.
      this.factory.addForeign(callable.name);
      this.push(this.factory.opaque(callable.name));
    } else throw malformed('bad-call', `the pickle stream calls ${kindWords(callable)}`);
  }

  /** NEWOBJ: class and arguments; NEWOBJ_EX: named arguments, too. */
  make(withKeywords: boolean): void {
    if (withKeywords) this.stack.pop();
    const args = this.stack.pop();
    const type = this.stack.pop();
    const isName = isNode(type) && (type.kind === 'global' || type.kind === 'opaque');
    if (!isName) throw malformed('bad-call', `the pickle stream builds a ${kindWords(type)}`);
    if (type.kind === 'opaque') this.push(this.factory.opaque(type.name));
    else if (withKeywords) this.push(newObjectWithKeywords(this.factory, type.name));
    else this.push(newObject(this.factory, type.name, args));
  }

  /** BUILD: attach a state; only an ordered dict has one worth keeping. */
  build(): void {
    const state = this.stack.pop();
    const target = this.stack.top();
    if (isNode(target) && target.kind === 'opaque') return;
    const isAttributes = isNode(state) && state.kind === 'dict';
    if (!isNode(target) || target.kind !== 'dict' || !target.ordered || !isAttributes)
      throw malformed('bad-call', `the pickle stream sets the state of ${kindWords(target)}`);
    this.#attach(target, state);
  }

  /** Python copies a state into the object's own attributes: what becomes of it later, they do not follow. */
  #attach(target: DictNode, state: DictNode): void {
    target.attributes ??= this.factory.dict(false);
    for (const [name, value] of state.entries) this.factory.setEntry(target.attributes, name, value);
  }

  setItems(pairs: readonly PickleValue[]): void {
    const target = this.stack.top();
    if (isNode(target) && target.kind === 'opaque') return;
    if (!isNode(target) || target.kind !== 'dict' || pairs.length % 2 !== 0)
      throw malformed('bad-call', `the pickle stream sets items of ${kindWords(target)}`);
    for (let index = 0; index < pairs.length; index += 2)
      this.factory.setEntry(target, asKey(pairs[index] ?? null), pairs[index + 1] ?? null);
  }

  append(items: readonly PickleValue[], kind: 'list' | 'set'): void {
    const target = this.#containerFor(kind);
    if (kind === 'set') items.forEach(asKey);
    if (target !== undefined) for (const item of items) this.factory.append(target, item);
  }

  /** As `append`, of one item, without a list to carry it. */
  appendOne(): void {
    const item = this.stack.pop();
    const target = this.#containerFor('list');
    if (target !== undefined) this.factory.append(target, item);
  }

  /** The container on top; undefined for an inert object, which swallows what it is given. */
  #containerFor(kind: 'list' | 'set'): ListNode | SetNode | undefined {
    const target = this.stack.top();
    if (isNode(target) && target.kind === kind) return target as ListNode | SetNode;
    if (isNode(target) && target.kind === 'opaque') return undefined;
    throw malformed('bad-call', `the pickle stream appends to ${kindWords(target)}`);
  }

  /** BINPERSID: the id on top stands for a storage. */
  resolveStorage(): void {
    this.push(storageOf(this.factory, this.stack.pop()));
  }

  stackGlobal(): void {
    const name = this.stack.pop();
    const module = this.stack.pop();
    if (typeof module !== 'string' || typeof name !== 'string')
      throw malformed('bad-call', 'the pickle stream names an object by something else than text');
    this.pushGlobal(module, name);
  }
}

type Instruction = (machine: PickleMachine, cursor: PickleCursor) => void;

const STOP = 0x2e;
const BINPUT = 0x71;

function protocol(_machine: PickleMachine, cursor: PickleCursor): void {
  const version = cursor.uint8();
  if (version > PROTOCOL_MAX) throw malformed('bad-opcode', `pickle protocol ${version} is unknown`);
}

function text(machine: PickleMachine, cursor: PickleCursor, bytes: number): void {
  machine.push(machine.factory.text(cursor.text(bytes)));
}

function bytes(machine: PickleMachine, cursor: PickleCursor, count: number): void {
  machine.push(machine.factory.bytes(cursor.take(count)));
}

function tuple(machine: PickleMachine, items: readonly PickleValue[]): void {
  machine.push(machine.factory.tuple(items));
}

/** What each instruction does; a gap is an instruction that is refused (INST, OBJ, PERSID, EXT and text ones). */
const INSTRUCTIONS: readonly (Instruction | undefined)[] = table([
  [0x80, protocol],
  [0x95, (_machine, cursor) => void cursor.length64()], // FRAME
  [0x28, (machine) => machine.stack.mark()],
  [0x30, (machine) => machine.stack.discard()],
  [0x31, (machine) => void machine.stack.popToMark()], // POP_MARK
  [0x32, (machine) => machine.push(machine.stack.top())], // DUP
  [0x4e, (machine) => machine.push(null)],
  [0x88, (machine) => machine.push(true)],
  [0x89, (machine) => machine.push(false)],
  [0x4b, (machine, cursor) => machine.push(cursor.uint8())],
  [0x4d, (machine, cursor) => machine.push(cursor.uint16())],
  [0x4a, (machine, cursor) => machine.push(cursor.int32())],
  [0x8a, (machine, cursor) => machine.pushInteger(cursor.uint8())],
  [0x8b, (machine, cursor) => machine.pushInteger(cursor.uint32())],
  [0x47, (machine, cursor) => machine.push(machine.factory.float(cursor.float64()))],
  [0x58, (machine, cursor) => text(machine, cursor, cursor.uint32())],
  [0x8c, (machine, cursor) => text(machine, cursor, cursor.uint8())],
  [0x8d, (machine, cursor) => text(machine, cursor, cursor.length64())],
  [0x54, (machine, cursor) => text(machine, cursor, cursor.uint32())], // BINSTRING
  [0x55, (machine, cursor) => text(machine, cursor, cursor.uint8())], // SHORT_BINSTRING
  [0x42, (machine, cursor) => bytes(machine, cursor, cursor.uint32())],
  [0x43, (machine, cursor) => bytes(machine, cursor, cursor.uint8())],
  [0x8e, (machine, cursor) => bytes(machine, cursor, cursor.length64())],
  [0x96, (machine, cursor) => bytes(machine, cursor, cursor.length64())], // BYTEARRAY8
  [0x7d, (machine) => machine.push(machine.factory.dict(false))],
  [0x5d, (machine) => machine.push(machine.factory.list())],
  [0x29, (machine) => tuple(machine, [])],
  [0x8f, (machine) => machine.push(machine.factory.set([]))],
  [0x74, (machine) => tuple(machine, machine.stack.popToMark())],
  [0x85, (machine) => tuple(machine, machine.stack.popMany(1))],
  [0x86, (machine) => tuple(machine, machine.stack.popMany(2))],
  [0x87, (machine) => tuple(machine, machine.stack.popMany(3))],
  [0x91, (machine) => machine.push(machine.factory.set(machine.stack.popToMark().map(asKey)))], // FROZENSET
  [0x72, (machine, cursor) => machine.remember(cursor.uint32())],
  [0x94, (machine) => machine.rememberNext()],
  [0x68, (machine, cursor) => machine.recall(cursor.uint8())],
  [0x6a, (machine, cursor) => machine.recall(cursor.uint32())],
  [0x63, (machine, cursor) => machine.pushGlobal(cursor.line(), cursor.line())],
  [0x93, (machine) => machine.stackGlobal()],
  [0x52, (machine) => machine.call()], // REDUCE
  [0x81, (machine) => machine.make(false)], // NEWOBJ
  [0x92, (machine) => machine.make(true)], // NEWOBJ_EX
  [0x62, (machine) => machine.build()],
  [0x51, (machine) => machine.resolveStorage()], // BINPERSID
  [0x73, (machine) => machine.setItems(machine.stack.popMany(2))],
  [0x75, (machine) => machine.setItems(machine.stack.popToMark())],
  [0x61, (machine) => machine.appendOne()],
  [0x65, (machine) => machine.append(machine.stack.popToMark(), 'list')],
  [0x90, (machine) => machine.append(machine.stack.popToMark(), 'set')], // ADDITEMS
]);

function table(entries: readonly (readonly [number, Instruction])[]): readonly (Instruction | undefined)[] {
  const instructions = new Array<Instruction | undefined>(256).fill(undefined);
  for (const [opcode, instruction] of entries) instructions[opcode] = instruction;
  return instructions;
}
