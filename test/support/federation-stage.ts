import { expect } from 'vitest';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import type { ServerSettings } from '../../src/fl/round/settings.ts';
import { SETTINGS } from './federation.ts';
import { RUN, SimulatedServer, World } from './federation-simulation.ts';
import type { Replica } from './replica.ts';

/** A client's patience that no story waits for. */
export const PATIENCE = { trainingRetries: 0, rejoinWaitMs: 10_000_000, finalModelWaitMs: 10_000_000 };

/** One folder that everybody sees at once, a server, and hands to play its clients with. */
export class Stage {
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
