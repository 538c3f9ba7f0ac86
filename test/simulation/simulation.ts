import { type Random, randomBelow, seededRandom } from '../../src/random.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import { Oracle } from './oracle.ts';
import { Powers } from './powers.ts';
import { Program } from './program.ts';
import { SimClock } from './sim-clock.ts';
import { CALM, Site, type Weather } from './site.ts';
import { Trace } from './trace.ts';
import { WebUser } from './web-user.ts';

/** What one seed came to. */
export interface Outcome {
  readonly seed: number;
  readonly faults: readonly string[];
  /** Equal for two runs of one seed. */
  readonly digest: string;
  readonly trace: readonly string[];
  readonly conflicts: number;
  readonly crashes: number;
}

/** How long the sites may take to agree once the weather is calm: the longest rest after a refusal, several times. */
const SETTLE_MAX_MS = 40 * 60_000;
/** Lost events are made up for by a look at everything, which comes this late at most for trees of this size. */
const SETTLE_AFTER_LOSS_MS = 3 * 3_600_000;
/** Both sides agree for so long: then they rest. */
/** As long as the longest gap between two readings of the feed, in which what came last may wait. */
const QUIET_MS = 65_000;
const REST_MS = 120_000;
/** A feed that told only a part is read on without a sign within this time. */
const READ_ON_MS = 100_000;

/** Weather by the seed: from a calm day to a storm. */
function weatherOf(random: Random): Weather {
  const strength = [0, 0.3, 1][randomBelow(random, 3)] ?? 0;
  return {
    callFails: 0.05 * strength,
    answerLost: 0.04 * strength,
    callSlow: 0.06 * strength,
    downloadBreaks: 0.1 * strength,
    diskFails: 0.01 * strength,
    hintLost: 0.1 * strength,
    eventLost: random.next() < 0.05 ? 0.2 : 0,
  };
}

/**
 * Several engines, one Box, one clock: programs and people work, things fail, engines die; then calm, and the oracle
 * judges. Everything follows from the seed.
 */
export async function simulate(seed: number, keepTrace = false): Promise<Outcome> {
  const random = seededRandom(seed);
  const clock = new SimClock();
  const trace = new Trace(() => clock.monotonic(), keepTrace);
  const world = new MemoryWorld(() => clock.now());
  const oracle = new Oracle();
  const founder = new MemoryStore({ clock, world, user: { id: 'web', name: 'web' } });
  const folder = await founder.createFolder(MEMORY_ROOT, 'shared');
  const sites: Site[] = [];
  const common = { clock, random, world, folder, oracle, trace, sites };
  for (let count = 2 + randomBelow(random, 2); count > 0; count -= 1)
    sites.push(new Site({ ...common, name: `s${sites.length + 1}` }));
  const people = new WebUser(common);
  const programs = sites.map((site) => new Program({ ...common, site: site.name, disk: site.disk }));
  const powers = new Powers(common);
  const run = new Run({ ...common, programs, people, powers });
  await run.live(weatherOf(random));
  const rested = await run.settle();
  if (!rested)
    oracle.fault(`no agreement: ${sites.map((site) => `${site.name} ${describeState(site)}`).join('; ')}`);
  oracle.judgeBox(world);
  oracle.judgeSurvival(
    world,
    sites.map((site) => site.disk),
  );
  for (const site of sites) {
    oracle.lookAt(site.name, site.disk);
    if (rested) oracle.judgeAgreement(people.tree(), site.name, site.disk);
  }
  if (rested) await run.rest(oracle);
  for (const site of sites) site.kill();
  const conflicts = sites.reduce((sum, site) => sum + oracle.conflictsOn(site.disk), 0);
  return {
    seed,
    faults: oracle.faults,
    digest: trace.digest(),
    trace: trace.lines,
    conflicts,
    crashes: run.crashes,
  };
}

function describeState(site: Site): string {
  const status = site.engine?.status();
  return JSON.stringify({
    state: status?.state,
    trouble: status?.trouble,
    waiting: status?.waiting,
    problems: status?.problems,
  });
}

interface RunOptions {
  readonly random: Random;
  readonly clock: SimClock;
  readonly sites: readonly Site[];
  readonly programs: readonly Program[];
  readonly people: WebUser;
  readonly powers: Powers;
  readonly oracle: Oracle;
}

/** In so many worlds something befalls the mounts from outside; and so often at each step. */
const POWERS_SHARE = 0.6;
const POWER_AT_STEP = 0.18;

class Run {
  readonly #options: RunOptions;
  crashes = 0;
  #eventsWereLost = false;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** The eventful part. */
  async live(weather: Weather): Promise<void> {
    const { random, clock, sites } = this.#options;
    this.#eventsWereLost = weather.eventLost > 0;
    const befalls = random.next() < POWERS_SHARE ? POWER_AT_STEP : 0;
    for (const site of sites) site.disk.tellsBirth = random.next() < 0.9;
    for (const site of sites) site.weather = weather;
    const deadly = random.next() < 0.6;
    const steps = 6 + randomBelow(random, 24);
    for (let step = 0; step < steps; step += 1) {
      for (const site of sites) if (!site.isUp && random.next() < 0.5) this.#start(site, deadly);
      await this.#somethingHappens(befalls);
      const pauseMs = random.next() < 0.5 ? randomBelow(random, 40) : randomBelow(random, 4000);
      await clock.runUntil(clock.monotonic() + pauseMs);
    }
  }

  async #somethingHappens(befalls: number): Promise<void> {
    const { random, people, programs, powers } = this.#options;
    if (random.next() < befalls) powers.act();
    else if (random.next() < 0.25) await people.act();
    else programs[randomBelow(random, programs.length)]?.act();
  }

  #start(site: Site, deadly: boolean): void {
    const { random } = this.#options;
    const dies = deadly && random.next() < 0.7;
    if (dies) this.crashes += 1;
    const luck = random.next();
    if (luck < 0.05) site.loseIndex();
    else if (luck < 0.1) site.rollIndexBack();
    site.start(dies ? 1 + randomBelow(random, 300) : Infinity);
  }

  /** Calm weather until all agree, and go on agreeing. False when they never do. */
  async settle(): Promise<boolean> {
    const { clock, sites } = this.#options;
    this.#calmDown();
    const wasMisled = this.#wasMisled();
    const deadlineMs = clock.monotonic() + (wasMisled ? SETTLE_AFTER_LOSS_MS : SETTLE_MAX_MS);
    // Feeds tell late: what was done last is under way for as long as an event may take.
    await clock.runUntil(clock.monotonic() + READ_ON_MS);
    if (wasMisled) await clock.runUntil(deadlineMs - SETTLE_MAX_MS);
    while (clock.monotonic() < deadlineMs) {
      for (const site of sites) if (site.needsPerson) this.#mountAnew(site);
      if (this.#agree()) {
        const calls = this.#calls();
        await clock.runUntil(clock.monotonic() + QUIET_MS);
        if (this.#agree() && this.#calls() === calls) return true;
      } else await clock.runUntil(Math.min(deadlineMs, clock.monotonic() + QUIET_MS));
    }
    return false;
  }

  /** Whether something can be known by another look at everything only, which comes rarely. */
  #wasMisled(): boolean {
    return this.#eventsWereLost || this.#options.sites.some(({ wasLiedTo }) => wasLiedTo);
  }

  /** What befell the mounts ends, and the weather is calm. */
  #calmDown(): void {
    const { sites, powers, random } = this.#options;
    powers.end();
    for (const site of sites) {
      site.weather = CALM;
      // Some go on running: what ended must end for them as well.
      if (!site.isUp || site.needsPerson || site.wasBlocked || random.next() >= 0.5) this.#mountAnew(site);
    }
  }

  /** A person looks at what is held, says whether it was meant, and mounts anew. */
  #mountAnew(site: Site): void {
    const bringsBack = site.wasEmptied && this.#options.random.next() < 0.5;
    site.wasEmptied = false;
    // What comes back may be older than what its own site has written since, and every site sees it.
    if (bringsBack) for (const { name } of this.#options.sites) this.#options.oracle.indexWasLost(name);
    site.kill();
    site.start(Infinity, bringsBack ? 'bring-back' : 'let-through');
  }

  /** At rest nothing is asked of Box. */
  async rest(oracle: Oracle): Promise<void> {
    const { clock, sites } = this.#options;
    for (const site of sites) site.calls = [];
    await clock.runUntil(clock.monotonic() + REST_MS);
    for (const site of sites)
      if (site.calls.length > 0 && !isRareLook(site.calls))
        oracle.fault(`${site.name}: calls at rest: ${site.calls.join(' ')}`);
  }

  #agree(): boolean {
    return this.#options.sites.every((site) => site.engine?.status().state === 'in-sync');
  }

  #calls(): number {
    return this.#options.sites.reduce((sum, site) => sum + site.calls.length, 0);
  }
}

/** The look at everything that comes by itself every half an hour or more: a position, the folder, listings. */
function isRareLook([first, ...rest]: readonly string[]): boolean {
  return first === 'position' && rest.every((call) => call === 'get' || call === 'list');
}
