import { assertNotDenied, globalName } from './foreign-names.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed } from './malformed.ts';
import { asKey, callGlobal, opaque, storageOf } from './pickle-calls.ts';
import { PickleCursor } from './pickle-cursor.ts';
import {
  type GlobalNode,
  isNode,
  kindOf,
  newDict,
  type PickleValue,
  type StorageNode,
  setEntry,
} from './pickle-value.ts';

/** A finished stream: its value, and where the next one may start. */
export interface PickleResult {
  readonly value: PickleValue;
  readonly end: number;
}

/** The newest pickle protocol that is known. */
const PROTOCOL_MAX = 5;

/**
 * Runs one pickle stream without running anything: names stay names, calls of unknown names stay inert objects.
 *
 * Guarantees: work and memory are bounded by the limits; no recursion; the input is not kept.
 * Errors: CorruptError with the offset of the instruction at fault.
 * Source: CPython's pickletools for the instructions' arguments.
 */
export class PickleMachine {
  readonly #cursor: PickleCursor;
  readonly #limits: CheckpointLimits;
  readonly #stack: PickleValue[] = [];
  /** Stack heights at which a MARK stands. */
  readonly #marks: number[] = [];
  /** The height that nothing may be taken below: the last mark. */
  #base = 0;
  /** Slots as picklers give them out: 0, 1, 2, ... */
  readonly #memo: PickleValue[] = [];
  /** Slots out of order: a Map, because a stream may name slot 4 294 967 280. */
  readonly #strayMemo = new Map<number, PickleValue>();

  readonly #onStorage: ((storage: StorageNode) => void) | undefined;

  constructor(
    bytes: Buffer,
    start: number,
    limits: CheckpointLimits,
    onStorage?: (storage: StorageNode) => void,
  ) {
    this.#cursor = new PickleCursor(bytes, start);
    this.#limits = limits;
    this.#onStorage = onStorage;
  }

  run(): PickleResult {
    const cursor = this.#cursor;
    for (let count = 0; count < this.#limits.opcodesMax; count += 1) {
      const opcode = cursor.uint8();
      if (opcode === STOP) return this.#finish();
      // Half of a stream is this one instruction; it is spared the table.
      if (opcode === BINPUT) {
        this.remember(cursor.uint8());
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
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0)
      throw malformed('bad-stack', 'the pickle stream ends with values left over');
    return { value, end: this.#cursor.position };
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.length > this.#base ? this.#stack.pop() : undefined;
    if (value === undefined) throw this.#underflow();
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.length > this.#base ? this.#stack[this.#stack.length - 1] : undefined;
    if (value === undefined) throw this.#underflow();
    return value;
  }

  mark(): void {
    this.#base = this.#stack.length;
    this.#marks.push(this.#base);
  }

  #unmark(): number {
    const height = this.#marks.pop();
    if (height === undefined) throw this.#underflow();
    this.#base = this.#marks[this.#marks.length - 1] ?? 0;
    return height;
  }

  /** POP also takes back a mark that nothing was pushed onto. */
  discard(): void {
    if (this.#marks.length > 0 && this.#base === this.#stack.length) this.#unmark();
    else this.pop();
  }

  popToMark(): PickleValue[] {
    return this.#stack.splice(this.#unmark());
  }

  popTuple(length: number): void {
    const items = new Array<PickleValue>(length);
    for (let index = length - 1; index >= 0; index -= 1) items[index] = this.pop();
    this.push({ kind: 'tuple', items });
  }

  remember(slot: number): void {
    const value = this.top();
    if (slot < this.#memo.length) this.#memo[slot] = value;
    else if (slot === this.#memo.length) this.#memo.push(value);
    else this.#strayMemo.set(slot, value);
  }

  rememberNext(): void {
    this.remember(this.#memo.length + this.#strayMemo.size);
  }

  recall(slot: number): void {
    const value = slot < this.#memo.length ? this.#memo[slot] : this.#strayMemo.get(slot);
    if (value === undefined)
      throw malformed('bad-memo', 'the pickle stream recalls what it never remembered', { slot });
    this.push(value);
  }

  pushGlobal(module: string, name: string): void {
    const full = globalName(module, name);
    assertNotDenied(full);
    this.push({ kind: 'global', name: full });
  }

  pushInteger(bytes: number): void {
    this.push(this.#cursor.integer(bytes) ?? opaque('an integer beyond 128 bits'));
  }

  /** REDUCE, NEWOBJ: call the name below the top with the arguments on top. */
  call(): void {
    const args = this.pop();
    const callable = this.pop();
    if (isNode(callable) && callable.kind === 'global') this.push(callGlobal(callable.name, args));
    else if (isNode(callable) && callable.kind === 'opaque') this.push(opaque(callable.name));
    else throw malformed('bad-call', `the pickle stream calls ${kindOf(callable)}`);
  }

  /** BUILD: attach a state; only an ordered dict has one worth keeping. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (isNode(target) && target.kind === 'opaque') return;
    const isAttributes = isNode(state) && state.kind === 'dict';
    if (!isNode(target) || target.kind !== 'dict' || !target.ordered || !isAttributes)
      throw malformed('bad-call', `the pickle stream sets the state of ${kindOf(target)}`);
    target.attributes = state;
  }

  setItems(pairs: readonly PickleValue[]): void {
    const target = this.top();
    if (isNode(target) && target.kind === 'opaque') return;
    if (!isNode(target) || target.kind !== 'dict' || pairs.length % 2 !== 0)
      throw malformed('bad-call', `the pickle stream sets items of ${kindOf(target)}`);
    for (let index = 0; index < pairs.length; index += 2)
      setEntry(target, asKey(pairs[index] ?? null), pairs[index + 1] ?? null);
  }

  append(items: readonly PickleValue[], kind: 'list' | 'set'): void {
    const target = this.top();
    if (isNode(target) && target.kind === 'opaque') return;
    if (!isNode(target) || target.kind !== kind)
      throw malformed('bad-call', `the pickle stream appends to ${kindOf(target)}`);
    for (const item of items) target.items.push(item);
  }

  /** BINPERSID: the id on top stands for a storage. */
  resolveStorage(): void {
    const storage = storageOf(this.pop());
    this.#onStorage?.(storage);
    this.push(storage);
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof module !== 'string' || typeof name !== 'string')
      throw malformed('bad-call', 'the pickle stream names an object by something else than text');
    this.pushGlobal(module, name);
  }

  #underflow() {
    return malformed('bad-stack', 'the pickle stream takes from an empty stack', {
      offset: this.#cursor.position,
    });
  }
}

type Instruction = (machine: PickleMachine, cursor: PickleCursor) => void;

const STOP = 0x2e;
const BINPUT = 0x71;

function protocol(_machine: PickleMachine, cursor: PickleCursor): void {
  const version = cursor.uint8();
  if (version > PROTOCOL_MAX) throw malformed('bad-opcode', `pickle protocol ${version} is unknown`);
}

/** NEWOBJ_EX: class, arguments, keyword arguments. Only foreign classes use it. */
function newObjectWithKeywords(machine: PickleMachine): void {
  machine.pop();
  machine.pop();
  const type = machine.pop();
  if (!isNode(type) || type.kind !== 'global')
    throw malformed('bad-call', `the pickle stream builds a ${kindOf(type)}`);
  machine.push(opaque((type satisfies GlobalNode).name));
}

/** What each instruction does; a gap is an instruction that is refused (INST, OBJ, PERSID, EXT and text ones). */
const INSTRUCTIONS: readonly (Instruction | undefined)[] = table([
  [0x80, protocol],
  [0x95, (_machine, cursor) => void cursor.length64()], // FRAME
  [0x28, (machine) => machine.mark()],
  [0x30, (machine) => machine.discard()],
  [0x31, (machine) => void machine.popToMark()], // POP_MARK
  [0x32, (machine) => machine.push(machine.top())], // DUP
  [0x4e, (machine) => machine.push(null)],
  [0x88, (machine) => machine.push(true)],
  [0x89, (machine) => machine.push(false)],
  [0x4b, (machine, cursor) => machine.push(cursor.uint8())],
  [0x4d, (machine, cursor) => machine.push(cursor.uint16())],
  [0x4a, (machine, cursor) => machine.push(cursor.int32())],
  [0x8a, (machine, cursor) => machine.pushInteger(cursor.uint8())],
  [0x8b, (machine, cursor) => machine.pushInteger(cursor.uint32())],
  [0x47, (machine, cursor) => machine.push(cursor.float64())],
  [0x58, (machine, cursor) => machine.push(cursor.text(cursor.uint32()))],
  [0x8c, (machine, cursor) => machine.push(cursor.text(cursor.uint8()))],
  [0x8d, (machine, cursor) => machine.push(cursor.text(cursor.length64()))],
  [0x54, (machine, cursor) => machine.push(cursor.take(cursor.uint32()).toString('latin1'))], // BINSTRING
  [0x55, (machine, cursor) => machine.push(cursor.take(cursor.uint8()).toString('latin1'))], // SHORT_BINSTRING
  [0x42, (machine, cursor) => machine.push(Uint8Array.from(cursor.take(cursor.uint32())))],
  [0x43, (machine, cursor) => machine.push(Uint8Array.from(cursor.take(cursor.uint8())))],
  [0x8e, (machine, cursor) => machine.push(Uint8Array.from(cursor.take(cursor.length64())))],
  [0x96, (machine, cursor) => machine.push(Uint8Array.from(cursor.take(cursor.length64())))], // BYTEARRAY8
  [0x7d, (machine) => machine.push(newDict(false))],
  [0x5d, (machine) => machine.push({ kind: 'list', items: [] })],
  [0x29, (machine) => machine.push({ kind: 'tuple', items: [] })],
  [0x8f, (machine) => machine.push({ kind: 'set', items: [] })],
  [0x74, (machine) => machine.push({ kind: 'tuple', items: machine.popToMark() })],
  [0x85, (machine) => machine.popTuple(1)],
  [0x86, (machine) => machine.popTuple(2)],
  [0x87, (machine) => machine.popTuple(3)],
  [0x91, (machine) => machine.push({ kind: 'set', items: machine.popToMark() })], // FROZENSET
  [0x72, (machine, cursor) => machine.remember(cursor.uint32())],
  [0x94, (machine) => machine.rememberNext()],
  [0x68, (machine, cursor) => machine.recall(cursor.uint8())],
  [0x6a, (machine, cursor) => machine.recall(cursor.uint32())],
  [0x63, (machine, cursor) => machine.pushGlobal(cursor.line(), cursor.line())],
  [0x93, (machine) => machine.stackGlobal()],
  [0x52, (machine) => machine.call()], // REDUCE
  [0x81, (machine) => machine.call()], // NEWOBJ
  [0x92, newObjectWithKeywords],
  [0x62, (machine) => machine.build()],
  [0x51, (machine) => machine.resolveStorage()], // BINPERSID
  [0x73, (machine) => machine.setItems([machine.pop(), machine.pop()].reverse())],
  [0x75, (machine) => machine.setItems(machine.popToMark())],
  [0x61, (machine) => machine.append([machine.pop()], 'list')],
  [0x65, (machine) => machine.append(machine.popToMark(), 'list')],
  [0x90, (machine) => machine.append(machine.popToMark(), 'set')], // ADDITEMS
]);

function table(entries: readonly (readonly [number, Instruction])[]): readonly (Instruction | undefined)[] {
  const instructions = new Array<Instruction | undefined>(256).fill(undefined);
  for (const [opcode, instruction] of entries) instructions[opcode] = instruction;
  return instructions;
}
