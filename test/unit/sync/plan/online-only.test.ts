import { expect, it } from 'vitest';
import type { Disposition } from '../../../../src/sync/plan/op.ts';
import { plan } from '../../../../src/sync/plan/planner.ts';
import { LOCAL_ROOT, PlannerWorld } from '../../../support/planner-world.ts';

/** A file that both sides agreed on, and that is missing on the disk now. */
function missingHere(): PlannerWorld {
  const world = new PlannerWorld();
  const id = world.createLocal(LOCAL_ROOT, 'a.pt', 'aa');
  const [upload] = plan({ ...treesOf(world), filter: () => 'mirror', deletionsMax: 10 }).ops;
  if (upload === undefined || id === undefined) throw new Error('the file is not uploaded');
  world.apply(upload);
  world.deleteLocal(id);
  return world;
}

const treesOf = ({ remote, local, synced }: PlannerWorld) => ({ remote, local, synced });

const opsOf = (disposition: Disposition) =>
  plan({ ...treesOf(missingHere()), filter: () => disposition, deletionsMax: 10 }).ops.map((op) => op.kind);

it('takes a missing file for deleted only where its content is meant to be', () => {
  expect(opsOf('mirror')).toEqual(['remove-remote']);
  expect(opsOf('online-only')).toEqual(['keep-online']);
  expect(opsOf('ignore')).toEqual(['forget']);
});
