import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LocalId, RemoteId } from '../../src/ids.ts';
import { randomBelow, seededRandom, shuffledIndices } from '../../src/random.ts';
import type { Op } from '../../src/sync/plan/op.ts';
import type { LocalEntry } from '../../src/sync/tree/entry.ts';
import { LOCAL_ROOT, PlannerWorld, REMOTE_ROOT } from '../support/planner-world.ts';

/** Cases of each property; MILA_PROPERTY_RUNS asks for more. */
const RUNS = Number(process.env['MILA_PROPERTY_RUNS'] ?? 3000);
/** The same cases for every change; MILA_PROPERTY_SEED asks for others. */
const SEED = { seed: Number(process.env['MILA_PROPERTY_SEED'] ?? 20_260_101) };
/** More passes than this mean that the planner chases its own tail. */
const PASSES_MAX = 200;

/** One thing that happens to one side; numbers choose among what there is. */
const stepAmong = (names: readonly [string, ...string[]]) =>
  fc.record({
    side: fc.constantFrom('remote' as const, 'local' as const),
    kind: fc.constantFrom(
      'file' as const,
      'folder' as const,
      'edit' as const,
      'delete' as const,
      'move' as const,
      'move' as const,
    ),
    node: fc.nat(50),
    parent: fc.nat(50),
    name: fc.constantFrom(...names),
  });

/** Names that Box keeps apart: then everything must come to agree. */
const distinct = stepAmong(['a', 'b', 'c.pt', 'd']);
/** With two that are one name for Box: then some stay reported as problems, and nothing may be lost over it. */
const twinned = stepAmong(['a', 'b', 'A', 'c.pt']);

type Step = {
  side: 'remote' | 'local';
  kind: 'file' | 'folder' | 'edit' | 'delete' | 'move';
  node: number;
  parent: number;
  name: string;
};

const historyOf = (step: typeof distinct) =>
  fc.record({
    base: fc.array(step, { maxLength: 8 }),
    steps: fc.array(step, { maxLength: 10 }),
    seed: fc.nat(1e6),
  });
const history = fc.oneof(historyOf(distinct), historyOf(twinned));

const pick = <Item>(items: readonly Item[], index: number): Item => items[index % items.length] as Item;

/** Let one thing happen. Contents are unique, so that any loss shows. */
function happen(world: PlannerWorld, each: Step, content: string): void {
  if (each.side === 'local') {
    const nodes = [...world.local.values()];
    const folders = nodes.filter((node) => node.kind === 'folder').map((node) => node.id);
    act(each, content, {
      folders,
      nodes: nodes.map((node) => node.id),
      create: (parent, name, sha1) => void world.createLocal(parent, name, sha1),
      edit: (id, sha1) => world.editLocal(id, sha1),
      remove: (id) => world.deleteLocal(id),
      move: (id, parent, name) => world.moveLocal(id, parent, name),
    } satisfies Actor<LocalId>);
    return;
  }
  const nodes = [...world.remote.values()];
  const folders = nodes.filter((node) => node.kind === 'folder').map((node) => node.id);
  act(each, content, {
    folders,
    nodes: nodes.map((node) => node.id),
    create: (parent, name, sha1) => void world.createRemote(parent, name, sha1),
    edit: (id, sha1) => world.editRemote(id, sha1),
    remove: (id) => world.deleteRemote(id),
    move: (id, parent, name) => world.moveRemote(id, parent, name),
  } satisfies Actor<RemoteId>);
}

interface Actor<Id> {
  readonly folders: readonly Id[];
  readonly nodes: readonly Id[];
  create(parent: Id, name: string, sha1: string | null): void;
  edit(id: Id, sha1: string): void;
  remove(id: Id): void;
  move(id: Id, parent: Id, name: string): void;
}

function act<Id>(each: Step, content: string, actor: Actor<Id>): void {
  const parent = pick(actor.folders, each.parent);
  const node = pick(actor.nodes, each.node);
  if (each.kind === 'file') actor.create(parent, each.name, content);
  else if (each.kind === 'folder') actor.create(parent, each.name, null);
  else if (each.kind === 'edit') actor.edit(node, content);
  else if (each.kind === 'delete') actor.remove(node);
  else actor.move(node, parent, each.name);
}

/** Plan and apply, ops in an order of the seed's choosing and each pass cut short anywhere, until nothing is left. */
function settle(world: PlannerWorld, seed: number, shuffle = true): Op[] {
  const random = seededRandom(seed);
  const done: Op[] = [];
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const { ops } = world.plan();
    if (ops.length === 0) return done;
    const order = shuffle ? [...shuffledIndices(random, ops.length)] : ops.map((_, index) => index);
    const upTo = shuffle ? 1 + randomBelow(random, ops.length) : ops.length;
    let applied = 0;
    for (const index of order.slice(0, upTo)) {
      const op = ops[index] as Op;
      if (!world.apply(op)) continue;
      applied += 1;
      done.push(op);
      expect(world.faults()).toEqual([]);
    }
    if (applied === 0 && !ops.some((op) => world.apply(op)))
      throw new Error(`no op of the plan can run: ${ops.map((op) => op.kind)}`);
  }
  throw new Error(`no end after ${PASSES_MAX} passes: ${world.plan().ops.map((op) => op.kind)}`);
}

function worldOf(steps: readonly Step[], prefix: string, world = new PlannerWorld()): PlannerWorld {
  for (const [index, each] of steps.entries()) happen(world, each, `${prefix}${index}`);
  return world;
}

/** A world that agreed once, and then lived on. */
function livedWorld({
  base,
  steps,
  seed,
}: {
  base: readonly Step[];
  steps: readonly Step[];
  seed: number;
}): PlannerWorld {
  const world = worldOf(base, 'base');
  settle(world, seed);
  return worldOf(steps, 'step', world);
}

/** The ids of a tree's nodes that a reported problem stands in the way of, itself or above. */
function blockedIds(world: PlannerWorld, side: 'remote' | 'local'): Set<unknown> {
  const problems = new Set<unknown>(world.plan().problems.map((problem) => problem.id));
  const blocked = new Set<unknown>();
  const tree = side === 'remote' ? world.remote : world.local;
  for (const node of tree.subtree((side === 'remote' ? REMOTE_ROOT : LOCAL_ROOT) as never)) {
    const parent = node.parentId as never;
    // Names on the disk that are one for Box hold each other up; one of the two is reported.
    const hasTwin = node.parentId !== null && tree.named(parent, node.name).length > 1;
    if (problems.has(node.id) || blocked.has(node.parentId) || hasTwin) blocked.add(node.id);
  }
  return blocked;
}

function disagreement(world: PlannerWorld, node: LocalEntry): string[] {
  const synced = world.synced.byLocal(node.id);
  const remote = synced === undefined ? undefined : world.remote.get(synced.remoteId);
  const path = world.local.pathOf(node.id)?.join('/');
  if (remote === undefined) return [`${path} stands on the disk only`];
  if (world.remote.pathOf(remote.id)?.join('/') !== path) return [`${path} stands elsewhere in Box`];
  const differs = node.kind === 'file' && remote.kind === 'file' && node.content.sha1 !== remote.content.sha1;
  return differs ? [`${path} differs`] : [];
}

/** Whatever differs between the sides although no problem that was reported stands in its way. */
function disagreements(world: PlannerWorld): string[] {
  const local = blockedIds(world, 'local');
  const remote = blockedIds(world, 'remote');
  const free = [...world.local.values()].filter((node) => {
    const pairedWith = world.synced.byLocal(node.id)?.remoteId;
    return !local.has(node.id) && !(pairedWith !== undefined && remote.has(pairedWith));
  });
  const alone = [...world.remote.values()].filter(
    (node) => !world.synced.has(node.id) && !remote.has(node.id),
  );
  return [
    ...free.flatMap((node) => disagreement(world, node)),
    ...alone.map((node) => `${node.name} stands in Box only`),
  ];
}

const contents = (world: PlannerWorld) => {
  const current = [...PlannerWorld.paths(world.remote).values(), ...PlannerWorld.paths(world.local).values()];
  return new Set([...current, ...world.history, ...world.setAside]);
};

describe('the planner', () => {
  const check = (name: string, property: (world: PlannerWorld, seed: number) => void, among = history) =>
    it(name, () => {
      fc.assert(
        fc.property(among, (lived) => property(livedWorld(lived), lived.seed)),
        { numRuns: RUNS, ...SEED },
      );
    });

  check(
    'brings both sides to agreement, whatever order ops run in, and then has nothing to do',
    (world, seed) => {
      settle(world, seed);
      expect(world.plan().ops).toEqual([]);
      expect(disagreements(world)).toEqual([]);
    },
    historyOf(distinct),
  );

  check('loses no content that stood on either side', (world, seed) => {
    const standing = [
      ...PlannerWorld.paths(world.remote).values(),
      ...PlannerWorld.paths(world.local).values(),
    ];
    const agreed = new Set([...world.synced.values()].map((node) => node.content?.sha1));
    // What both agreed on may be deleted by one; everything else was written since, and must be somewhere.
    const written = standing.filter((sha1) => sha1 !== null && !agreed.has(sha1));
    settle(world, seed);
    const kept = contents(world);
    expect(written.filter((sha1) => !kept.has(sha1))).toEqual([]);
  });

  check('plans the same for the same trees, and leaves them alone', (world) => {
    const before = JSON.stringify([
      ...world.remote.values(),
      ...world.local.values(),
      ...world.synced.values(),
    ]);
    const first = JSON.stringify(world.plan());
    expect(JSON.stringify(world.plan())).toBe(first);
    expect(
      JSON.stringify([...world.remote.values(), ...world.local.values(), ...world.synced.values()]),
    ).toBe(before);
  });

  check('never deletes without a synced tree, and transfers nothing that both sides hold', (world, seed) => {
    settle(world, seed);
    const blocked = world.plan().problems.length > 0;
    for (const node of [...world.synced.values()]) if (node.parentId !== null) world.synced.remove(node.id);
    const before = world.transfers;
    const done = settle(world, seed);
    expect(done.filter((op) => op.kind === 'remove-local' || op.kind === 'remove-remote')).toEqual([]);
    if (!blocked) expect(world.transfers).toBe(before);
  });

  it('writes to no side that alone changed', () => {
    const onesided = fc.record({
      base: fc.array(distinct, { maxLength: 8 }),
      steps: fc.array(distinct, { maxLength: 8 }),
      seed: fc.nat(1e6),
      side: fc.constantFrom('remote' as const, 'local' as const),
    });
    const writesRemote = new Set([
      'upload',
      'upload-version',
      'make-remote-folder',
      'move-remote',
      'remove-remote',
    ]);
    const writesLocal = new Set([
      'download',
      'make-local-folder',
      'move-local',
      'remove-local',
      'set-aside',
      'evict',
    ]);
    fc.assert(
      fc.property(onesided, ({ base, steps, seed, side }) => {
        const world = worldOf(base, 'base');
        settle(world, seed);
        if (world.plan().problems.length > 0) return;
        worldOf(
          steps.map((each) => ({ ...each, side })),
          'step',
          world,
        );
        const done = settle(world, seed);
        const forbidden = side === 'remote' ? writesRemote : writesLocal;
        expect(done.filter((op) => forbidden.has(op.kind)).map((op) => op.kind)).toEqual([]);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  it('moves without transferring content', () => {
    const moves = fc.record({
      base: fc.array(distinct, { maxLength: 10 }),
      moves: fc.array(distinct, { maxLength: 6 }),
      seed: fc.nat(1e6),
      side: fc.constantFrom('remote' as const, 'local' as const),
    });
    fc.assert(
      fc.property(moves, ({ base, moves: steps, seed, side }) => {
        const world = worldOf(base, 'base');
        settle(world, seed);
        if (world.plan().problems.length > 0) return;
        worldOf(
          steps.map((each) => ({ ...each, side, kind: 'move' as const })),
          'step',
          world,
        );
        const before = world.transfers;
        settle(world, seed);
        expect(world.transfers).toBe(before);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  it('holds more deletions than the limit, and nothing else', () => {
    fc.assert(
      fc.property(history, fc.nat(3), (lived, limit) => {
        const world = livedWorld(lived);
        const free = world.plan();
        const { ops, held } = world.plan(limit);
        const deletions = ops.filter((op) => op.kind === 'remove-local' || op.kind === 'remove-remote');
        if (held === null) expect(ops).toEqual(free.ops);
        else {
          expect(deletions).toEqual([]);
          expect(held.count).toBeGreaterThan(limit);
          expect(ops.length + held.ops.length).toBe(free.ops.length);
        }
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  it('starts from one root each', () => {
    const world = new PlannerWorld();
    expect([world.remote.has(REMOTE_ROOT), world.local.has(LOCAL_ROOT)]).toEqual([true, true]);
    expect(world.plan().ops).toEqual([]);
  });
});
