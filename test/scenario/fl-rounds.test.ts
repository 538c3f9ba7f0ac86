import { expect, it } from 'vitest';
import { AUTHENTICATION, runPaths } from '../../src/fl/round/run-folder.ts';
import { RUN, SimulatedClient, synchronise } from '../support/federation-simulation.ts';
import { PATIENCE, Stage } from '../support/federation-stage.ts';

it('a lost participant that is heard of again is taken back, and its mark goes', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  await stage.pass(90_000, 'a');
  expect(stage.folder.text(runPaths.lost(RUN, 'b'))).toBe('lost connection on round 1');
  await stage.pass(4_000, 'a', 'b');
  expect(stage.folder.text(runPaths.lost(RUN, 'b'))).toBeUndefined();
  expect(stage.heard('participant-back')).toHaveLength(1);
  stage.deliver(1, 'a');
  await stage.look();
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
});

it('without rejoin a lost participant stays cut, as in kMoL', async () => {
  const stage = new Stage({ rejoin: false });
  await stage.begin('a', 'b');
  await stage.pass(90_000, 'a');
  await stage.pass(10_000, 'a', 'b');
  expect(stage.folder.text(runPaths.lost(RUN, 'b'))).toBe('lost connection on round 1');
  stage.deliver(1, 'a');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a');
});

it('a checkpoint that comes after its round was closed is ignored, and said so once', async () => {
  const stage = new Stage({ stragglers: { deadlineMs: 30_000, share: 1, minimumUpdates: 1 } });
  await stage.begin('fast', 'slow');
  stage.deliver(1, 'fast');
  await stage.pass(40_000, 'fast', 'slow');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 2 });
  stage.folder.put(runPaths.update(RUN, 1, 'slow'), 'update slow r1 from nothing');
  await stage.pass(6_000, 'fast', 'slow');
  expect(stage.heard('update-late')).toHaveLength(1);
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of fast');
});

it('a round closes with the share that is asked for, and not with fewer than the minimum', async () => {
  const stage = new Stage({ stragglers: { deadlineMs: null, share: 0.5, minimumUpdates: 3 } });
  await stage.begin('a', 'b', 'c', 'd');
  stage.deliver(1, 'a', 'b');
  await stage.pass(20_000, 'a', 'b', 'c', 'd');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  stage.deliver(1, 'c');
  await stage.pass(4_000, 'a', 'b', 'c', 'd');
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b+c');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 2 });
});

it('a checkpoint for any round that was closed is ignored, and said so once, also after a restart', async () => {
  const stage = new Stage({
    roundsCount: 6,
    stragglers: { deadlineMs: 30_000, share: 1, minimumUpdates: 1 },
  });
  await stage.begin('fast', 'slow');
  for (const round of [1, 2, 3]) {
    stage.deliver(round, 'fast');
    await stage.pass(40_000, 'fast', 'slow');
  }
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 4 });
  stage.deliver(1, 'slow');
  await stage.pass(20_000, 'fast', 'slow');
  stage.server.restart(1_000);
  stage.deliver(3, 'slow');
  await stage.pass(8_000, 'fast', 'slow');
  const late = stage.heard('update-late');
  expect(late).toHaveLength(2);
  expect(late[0]).toContain('the checkpoint of slow for round 1 came after the round was closed');
  expect(late[1]).toContain('the checkpoint of slow for round 3 came after the round was closed');
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of fast');
});

it('a refused checkpoint is not late for having been refused, but its successor is', async () => {
  const stage = new Stage();
  await stage.begin('good', 'bad');
  stage.folder.put(runPaths.update(RUN, 1, 'bad'), 'no checkpoint at all');
  stage.deliver(1, 'good');
  await stage.pass(8_000, 'good', 'bad');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 2 });
  expect(stage.heard('update-late')).toEqual([]);
  stage.deliver(1, 'bad');
  await stage.pass(8_000, 'good', 'bad');
  expect(stage.heard('update-late')).toHaveLength(1);
});

it('a client that finds its refusal together with the end of the run was refused', async () => {
  const stage = new Stage({ roundsCount: 1, minimumClients: 1 });
  await stage.begin('a');
  const late = new SimulatedClient(stage.world, 'too_late', PATIENCE);
  const meet = () => synchronise(stage.world, late.replica, 0, 1_000);
  synchronise(stage.world, stage.folder, 0, 1_000);
  meet();
  await late.step();
  meet();
  synchronise(stage.world, stage.folder, 0, 1_000);
  await stage.look();
  stage.deliver(1, 'a');
  await stage.pass(20_000, 'a');
  expect(stage.phase).toMatchObject({ kind: 'ended', ending: { kind: 'finished' } });
  synchronise(stage.world, stage.folder, 0, 1_000);
  meet();
  await late.step();
  expect(late.state.ending).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('Registration is closed'),
    finalRound: null,
  });
});

it('a client whose claim nobody answered before the run finished does not count as having finished it', async () => {
  const stage = new Stage({ roundsCount: 1, minimumClients: 1 });
  await stage.begin('a');
  stage.deliver(1, 'a');
  await stage.pass(20_000, 'a');
  const late = new SimulatedClient(stage.world, 'too_late', PATIENCE);
  synchronise(stage.world, stage.folder, 0, 1_000);
  synchronise(stage.world, late.replica, 0, 1_000);
  await late.step();
  expect(late.state.ending).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/^the run ended before the server admitted too_late: Training finished$/),
  });
});

it('an unusable checkpoint settles its participant without stopping the others', async () => {
  const stage = new Stage();
  await stage.begin('good', 'bad');
  stage.folder.put(runPaths.update(RUN, 1, 'bad'), 'no checkpoint at all');
  stage.deliver(1, 'good');
  await stage.look();
  expect(stage.heard('update-refused')).toHaveLength(1);
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of good');
});

it('a participant whose training failed does not hold up the round', async () => {
  const stage = new Stage();
  await stage.begin('good', 'bad');
  stage.folder.put(runPaths.failed(RUN, 1, 'bad'), '{}');
  stage.deliver(1, 'good');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of good');
});

it("claims in kMoL's own layout are answered there", async () => {
  const stage = new Stage();
  const path = runPaths.authentication(RUN, 'kmol', 'python_site');
  expect(path).toContain(`${AUTHENTICATION.kmol.folder}/python_site_authentification.txt`);
  stage.folder.put(path, '');
  await stage.look();
  expect(stage.folder.text(path)).toMatch(/^Authenticated - Token /);
});
