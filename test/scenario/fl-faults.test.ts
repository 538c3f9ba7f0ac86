import { expect, it } from 'vitest';
import { AUTHENTICATION, runPaths } from '../../src/fl/round/run-folder.ts';
import type { ServerSettings } from '../../src/fl/round/settings.ts';
import { SETTINGS } from '../support/federation.ts';
import {
  RUN,
  SimulatedClient,
  SimulatedServer,
  synchronise,
  World,
} from '../support/federation-simulation.ts';
import type { Replica } from '../support/replica.ts';

// Each test is a fault that the reference implementation shows; the number is the one under which
// docs/federation.md lists them.

const PATIENCE = { trainingRetries: 0, rejoinWaitMs: 10_000_000, finalModelWaitMs: 10_000_000 };

/** One folder that everybody sees at once, a server, and hands to play its clients with. */
class Stage {
  readonly world = new World();
  readonly server: SimulatedServer;
  readonly folder: Replica;

  constructor(settings: Partial<ServerSettings> = {}) {
    const base = { ...SETTINGS, heartbeatTimeoutMs: 60_000, clientWaitTimeMs: 10_000 };
    this.server = new SimulatedServer(this.world, { ...base, ...settings });
    this.folder = this.server.replica;
  }

  claim(...names: readonly string[]): void {
    for (const name of names) this.folder.put(runPaths.authentication(RUN, 'documented', name), '');
  }

  beat(...names: readonly string[]): void {
    for (const name of names) this.folder.put(runPaths.heartbeat(RUN, name), String(this.world.timeMs));
  }

  deliver(round: number, ...names: readonly string[]): void {
    for (const name of names) {
      const start = round === 1 ? 'nothing' : this.server.aggregates.get(round - 1);
      const content = `update ${name.toLowerCase()} r${round} from ${start}`;
      this.folder.put(runPaths.update(RUN, round, name), content);
    }
  }

  answerTo(name: string): string {
    return this.folder.text(runPaths.authentication(RUN, 'documented', name)) ?? '';
  }

  /** Let time pass in small steps while `beating` participants beat and the server looks. */
  async pass(ms: number, ...beating: readonly string[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 2_000) {
      this.world.timeMs += 2_000;
      this.beat(...beating);
      await this.look();
    }
  }

  /** The server looks, finishes what it begins, and looks again, as it does when its own effects end. */
  async look(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await this.server.step();
      while (this.server.pending.length > 0) this.server.finishEffect(0);
    }
  }

  async begin(...names: readonly string[]): Promise<void> {
    this.claim(...names);
    this.beat(...names);
    await this.look();
    await this.pass(12_000, ...names);
    expect(this.phase).toMatchObject({ kind: 'collecting', round: 1 });
  }

  get phase() {
    return this.server.state.record.phase;
  }

  heard(event: string): readonly string[] {
    return this.world.log.filter((line) => line.includes(`"event":"${event}"`));
  }
}

it('B1: a client that registers long after the start of the server is alive', async () => {
  const stage = new Stage();
  await stage.pass(600_000);
  await stage.begin('late_a', 'late_b');
  expect(stage.heard('participant-lost')).toEqual([]);
});

it('B2: heartbeats of a refused client harm nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.claim('too_late');
  await stage.pass(120_000, 'a', 'b', 'too_late', 'never_claimed');
  expect(stage.answerTo('too_late')).toBe('Error - Authentication failed... Registration is closed.');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B3: an update of a client that died does not stand in for a slow one', async () => {
  const stage = new Stage();
  await stage.begin('dies', 'slow');
  stage.deliver(1, 'dies');
  await stage.pass(120_000, 'slow');
  expect(stage.folder.text(runPaths.lost(RUN, 'dies'))).toBe('lost connection on round 1');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  stage.deliver(1, 'slow');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of dies+slow');
});

it('B3: more files than clients do not stop the round', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.deliver(1, 'a', 'b', 'stranger');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B4: with nobody left the run stops with the reason and its last good model', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  await stage.pass(300_000);
  expect(stage.phase).toMatchObject({
    kind: 'ended',
    ending: { kind: 'failed', code: 'nobody-left', round: 2 },
  });
  expect(stage.folder.text(runPaths.ended(RUN))?.split('\n')[0]).toBe(
    'Training stopped: no participant is left in round 2',
  );
  expect([...stage.server.aggregates.keys()]).toEqual([1]);
  expect(stage.folder.text(runPaths.aggregate(RUN, 2))).toBe('aggregate 1 of a+b');
});

it('B5: an outage of the server longer than the timeout cuts nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.world.timeMs += 150_000;
  await stage.look();
  await stage.pass(30_000);
  expect(stage.heard('participant-lost')).toEqual([]);
  await stage.pass(60_000);
  expect(stage.heard('participant-lost')).toHaveLength(2);
});

it('B5: a restart of the server, and an outage of its mount, cut nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.world.timeMs += 500_000;
  stage.server.restart(3_000_000);
  await stage.look();
  stage.folder.isConnected = false;
  await stage.pass(300_000);
  stage.folder.isConnected = true;
  await stage.pass(30_000);
  expect(stage.heard('participant-lost')).toEqual([]);
});

it('B6: a client that was restarted takes its place again and delivers', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  const client = new SimulatedClient(stage.world, 'a', PATIENCE);
  synchronise(stage.world, stage.folder, 0, 1_000);
  synchronise(stage.world, client.replica, 0, 1_000);
  for (let turn = 0; turn < 4; turn += 1) {
    await client.step();
    client.finishEffect(0);
  }
  synchronise(stage.world, client.replica, 0, 1_000);
  synchronise(stage.world, stage.folder, 0, 1_000);
  expect(stage.folder.text(runPaths.update(RUN, 1, 'a'))).toBe('update a r1 try1 from nothing');
  expect(stage.answerTo('a')).toMatch(/^Authenticated/);
});

it("B6: claiming one's own name again is answered again", async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.claim('a');
  await stage.look();
  expect(stage.answerTo('a')).toMatch(/^Authenticated/);
});

it('B7: of many that come at once no more than the maximum are admitted', async () => {
  const stage = new Stage({ maximumClients: 2 });
  stage.claim('c1', 'c2', 'c3', 'c4', 'c5');
  await stage.look();
  const answers = ['c1', 'c2', 'c3', 'c4', 'c5'].map((name) => stage.answerTo(name).split(' ')[0]);
  expect(answers).toEqual(['Authenticated', 'Authenticated', 'Error', 'Error', 'Error']);
});

it('B8: names that differ in case only, and names with dots, are refused', async () => {
  const stage = new Stage();
  stage.claim('Lab', 'lab', 'lab.eu', 'server');
  await stage.look();
  expect(stage.answerTo('Lab')).toMatch(/^Authenticated/);
  expect(stage.answerTo('lab')).toMatch(/^Error - .*taken/);
  expect(stage.answerTo('lab.eu')).toMatch(/^Error - .*dots/);
  expect(stage.answerTo('server')).toMatch(/^Error/);
});

it('B9: one account takes part once, one name belongs to one account', async () => {
  const stage = new Stage();
  const claimAs = (name: string, id: string) => {
    const account = { id, name: 'Same Display Name' };
    const version = stage.world.nextVersion();
    const path = runPaths.authentication(RUN, 'documented', name);
    stage.folder.files.set(path, { content: '', version, createdBy: account, modifiedBy: account });
  };
  claimAs('first', '11');
  claimAs('second', '11');
  claimAs('third', '22');
  await stage.look();
  expect(stage.answerTo('first')).toMatch(/^Authenticated/);
  expect(stage.answerTo('second')).toMatch(/^Error - .*takes part as first/);
  expect(stage.answerTo('third')).toMatch(/^Authenticated/);
  claimAs('first', '22');
  await stage.look();
  expect(stage.answerTo('first')).toMatch(/^Error - .*taken/);
});

it('Q3: whom the aggregator cannot count is refused when it comes, not when its update does', async () => {
  const stage = new Stage({ members: new Set(['lab', 'site_b']) });
  stage.claim('Lab', 'stranger');
  await stage.look();
  expect(stage.answerTo('Lab')).toMatch(/^Authenticated/);
  expect(stage.answerTo('stranger')).toMatch(/^Error - .*stranger is not among the participants/);
  stage.claim('site_b');
  await stage.pass(14_000, 'Lab', 'site_b');
  expect(stage.heard('registration-closed')).toEqual([
    expect.stringContaining('"participants":["Lab","site_b"]'),
  ]);
});

it('B9: a name that somebody else claimed in vain is still its owner’s', async () => {
  const stage = new Stage();
  const path = runPaths.authentication(RUN, 'documented', 'lab');
  const claimAs = async (id: string) => {
    const account = { id, name: `user ${id}` };
    const version = stage.world.nextVersion();
    stage.folder.files.set(path, { content: '', version, createdBy: account, modifiedBy: account });
    await stage.look();
    return stage.answerTo('lab');
  };
  expect(await claimAs('11')).toMatch(/^Authenticated/);
  expect(await claimAs('22')).toMatch(/^Error - .*taken/);
  expect(await claimAs('11')).toMatch(/^Authenticated/);
  expect(stage.heard('registration-refused')).toHaveLength(1);
});

it("B9: an update that another participant's account wrote is refused and reported", async () => {
  const stage = new Stage();
  const write = (path: string, id: string, content: string) => {
    const account = { id, name: `user ${id}` };
    stage.folder.files.set(path, {
      content,
      version: stage.world.nextVersion(),
      createdBy: account,
      modifiedBy: account,
    });
  };
  write(runPaths.authentication(RUN, 'documented', 'a'), '11', '');
  write(runPaths.authentication(RUN, 'documented', 'b'), '22', '');
  await stage.look();
  for (let turn = 0; turn < 7; turn += 1) {
    stage.world.timeMs += 2_000;
    await stage.look();
  }
  write(runPaths.update(RUN, 1, 'a'), '22', 'update a r1 from nothing');
  write(runPaths.update(RUN, 1, 'b'), '22', 'update b r1 from nothing');
  await stage.look();
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  expect(stage.heard('foreign-file')).toHaveLength(1);
  write(runPaths.update(RUN, 1, 'a'), '11', 'update a r1 from nothing');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B9: a client whose update was written over by another account delivers its own again', async () => {
  const world = new World();
  const account = { id: '11', name: 'site a' };
  const client = new SimulatedClient(world, 'a', PATIENCE, account);
  const { replica } = client;
  replica.folders.add(`${RUN}/authentications`).add(`${RUN}/heartbeats`);
  replica.put(runPaths.task(RUN), '{}');
  const work = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn += 1) {
      await client.step();
      client.finishEffect(0);
    }
  };
  await client.step();
  replica.put(runPaths.authentication(RUN, 'documented', 'a'), 'Authenticated - Token 11');
  replica.put(runPaths.noStartModel(RUN, 1), '');
  await work();
  const path = runPaths.update(RUN, 1, 'a');
  const own = replica.text(path);
  expect(own).toBe('update a r1 try1 from nothing');
  replica.files.set(path, {
    content: 'poison',
    version: world.nextVersion(),
    createdBy: account,
    modifiedBy: { id: '22', name: 'somebody else' },
  });
  await work();
  expect(replica.text(path)).toBe(own);
  expect(world.log.filter((line) => line.includes('somebody else wrote over'))).toHaveLength(1);
});

it('B11: the end is written before the final model, and no client trains on that', async () => {
  const stage = new Stage({ roundsCount: 1, minimumClients: 1 });
  await stage.begin('a');
  stage.deliver(1, 'a');
  await stage.look();
  await stage.look();
  const ended = stage.folder.files.get(runPaths.ended(RUN));
  const final = stage.folder.files.get(runPaths.aggregate(RUN, 2));
  expect(ended?.content).toMatch(/^Training finished \d/);
  expect(final?.version).toBeGreaterThan(ended?.version ?? Number.POSITIVE_INFINITY);
  const client = new SimulatedClient(stage.world, 'a', PATIENCE);
  synchronise(stage.world, stage.folder, 0, 1_000);
  synchronise(stage.world, client.replica, 0, 1_000);
  await client.step();
  expect(client.state.ending).toMatchObject({ kind: 'finished', finalRound: 2 });
  expect(client.trainings.size).toBe(0);
});

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

it('B12: a participant that died holds nobody up once it counts as lost', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b', 'dead');
  stage.deliver(1, 'a', 'b');
  await stage.pass(50_000, 'a', 'b');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  await stage.pass(30_000, 'a', 'b');
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B13: whoever gives up last lets the round close at once', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b', 'gives_up');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  stage.folder.put(runPaths.failed(RUN, 1, 'gives_up'), '{}');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B14: a lost participant that claims its name again is alive from then on', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  await stage.pass(90_000, 'a');
  expect(stage.heard('participant-lost')).toHaveLength(1);
  stage.claim('b');
  stage.beat('b');
  await stage.look();
  expect(stage.answerTo('b')).toMatch(/^Authenticated/);
  await stage.pass(50_000, 'a');
  expect(stage.heard('participant-lost')).toHaveLength(1);
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
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
    message: expect.stringMatching(
      /^the run ended before the server admitted too_late: Training finished \d/,
    ),
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
