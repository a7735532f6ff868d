/**
 * Finds how many cells to write at the same time, from what the commits say: hill climbing on throughput, with the
 * doubling of TCP's slow start to get near (Jacobson, "Congestion avoidance and control", 1988) and one worker more or
 * less from there on, taken back where it does not pay (Chiu and Jain, "Analysis of the increase and decrease algorithms
 * for congestion avoidance", 1989). Throughput comes from latency by Little's law ("A proof for the queuing formula
 * L = λW", 1961), rate = running × rows / latency, so that a commit counts the moment it is done, and a queue that only
 * grows shows as it does in TCP Vegas (Brakmo and Peterson, 1995): twice the workers, twice the latency, the same rate.
 *
 * Rates of different times cannot be compared: a server warms up, looks through more the more is there, and writes checkpoints. So
 * a trial is compared with what was seen just before it, and where it seems to pay with what is seen right after it, too, back
 * at the number before; a steady drift cancels out (the reversal design of experiments: Baer, Wolf and Risley, 1968). Without that
 * 29 of the 52 s of a load of 3 M ratings passed with one worker, where two are 1.2 times as fast.
 *
 * | state | workers | when a window is full |
 * |---|---|---|
 * | hold | the best known | while it climbs: trial of twice as many; later, after a pause: trial of the half, or of a step up or down |
 * | trial | others | it does not pay: hold, and a longer pause; it seems to: check |
 * | check | the best known | the trial pays still: hold with its number, and on in the same direction; else hold |
 *
 * The first trial after the climb is the half: a server that warms up while workers are added makes each doubling look good. Towards
 * the end of a load there are none: what they find out would be of no use any more.
 * Invariants: 1 ≤ workers ≤ maxWorkers; the same calls give the same workers.
 */

/** A cell that was written. */
export interface Commit {
  readonly rows: number;
  readonly latencyMs: number;
  /** Cells at work when it ended, itself included. */
  readonly running: number;
  /** By any clock that does not go back. */
  readonly endedAtMs: number;
}

export interface AdaptiveWorkersOptions {
  readonly maxWorkers: number;
  /** Workers at the beginning. */
  readonly startWorkers: number;
  /** Cells that are still to be written, more or less. */
  readonly commitsLeft: () => number;
}

/** A number of workers, and what was seen with it. */
interface Trial {
  readonly workers: number;
  readonly rate: Rate;
}

/** What was seen at one number of workers. */
interface Rate {
  rows: number;
  latencyMs: number;
  /** Latency-weighted, so that their ratio is the mean of running over time. */
  runningMs: number;
  /** Of the latencies, for their spread. */
  squares: number;
  commits: number;
}

/** A doubling that gains less than this has come to the end. */
const CLIMB_GAIN = 1.15;
/** A doubling that gained so much of what it could is not due to a drift, and need not be looked at again soon. */
const FULL_GAIN = 1.6;
const FULL_GAIN_PAUSE = 2;
/** One worker more must gain so much: less is noise, and each one holds memory and locks. */
const STEP_GAIN = 1.04;
/** One worker less may lose so little. */
const STEP_LOSS = 0.99;
/**
 * Commits a worker in a window, at most: a trial ends earlier when its outcome is clear. These and the gains were found
 * in the simulation, where the optimum is flat: twice or half of any of them changes the result by less than 1 %.
 */
const CLIMB_COMMITS = 2;
const HOLD_COMMITS = 6;
const PROBE_COMMITS = 3;
const MIN_CLIMB_COMMITS = 4;
const MIN_COMMITS = 8;
/** A probe takes a window of what is left, and where it does not pay a part of it is lost: only so many more may win that back. */
const PROBE_WORTH = 8;
/** An outcome is clear at two standard errors (after Wald, "Sequential tests of statistical hypotheses", 1945). */
const CLEAR_ERRORS = 2;
/** Spread of latencies, of their mean, at least: a few that are alike by chance prove nothing. */
const MIN_SPREAD = 0.2;
/** Commits before an outcome can be clear, and before one that is far from paying can. */
const CLEAR_COMMITS = 3;
const FAR_COMMITS = 2;
/** Windows between probes, at most. */
const MAX_PAUSE = 16;
/** So many times as many after a trial that did not pay. */
const PATIENCE = 2;
/** Commits before the next trial after one that was far from it, where there is no other way to go. */
const FAR_PAUSE_COMMITS = 400;
/** A gain below it is far from paying. */
const FAR_LOSS = 0.8;
/** Where workers stand still for want of cells or of rows, more of them would not help. */
const BUSY_SHARE = 0.8;
/** So many retries a commit are a storm: most of the work is thrown away. */
const STORM = 2;
/** As in CUBIC (Ha, Rhee, Xu, 2008): a half would give away more than it saves. */
const DECREASE = 0.7;

export class AdaptiveWorkers {
  readonly #maxWorkers: number;
  readonly #commitsLeft: () => number;
  #workers: number;
  #best: number;
  #state: 'hold' | 'trial' | 'check' = 'hold';
  /** Whether workers are still doubled to get near. */
  #isClimbing: boolean;
  /** The last window with the best number; from the first trial on there is one. */
  #base: Rate | undefined;
  /** What is checked. */
  #trial: Trial | undefined;
  #direction: 1 | -1 = -1;
  #step = 1;
  /** Whether a step down goes to the half. */
  #halves = true;
  #pause = 1;
  #held = 0;
  #window = emptyRate();
  #retries = 0;
  /** Commits that began before the last change say nothing of it. */
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ maxWorkers, startWorkers, commitsLeft }: AdaptiveWorkersOptions) {
    this.#maxWorkers = maxWorkers;
    this.#commitsLeft = commitsLeft;
    this.#workers = Math.min(startWorkers, maxWorkers);
    this.#best = this.#workers;
    this.#isClimbing = maxWorkers > 1;
  }

  get workers(): number {
    return this.#workers;
  }
  /** Whether it is still getting near. */
  get isClimbing(): boolean {
    return this.#isClimbing;
  }

  onCommit({ rows, latencyMs, running, endedAtMs }: Commit): void {
    if (endedAtMs - latencyMs < this.#changedAtMs || latencyMs <= 0) return;
    const window = this.#window;
    window.rows += rows;
    window.latencyMs += latencyMs;
    window.runningMs += Math.min(running, this.#workers) * latencyMs;
    window.squares += latencyMs ** 2;
    window.commits++;
    if (window.commits < this.#windowCommits && !this.#isClear(window)) return;
    this.#beginWindow();
    switch (this.#state) {
      case 'hold':
        this.#base = window;
        if (this.#isClimbing) this.#climb(endedAtMs);
        else if (++this.#held >= this.#pause) this.#probe(endedAtMs);
        return;
      case 'trial':
        this.#judge({ workers: this.#workers, rate: window }, endedAtMs);
        return;
      case 'check':
        this.#check(window, endedAtMs);
        return;
      default:
        this.#state satisfies never;
    }
  }

  /** A transaction had to be tried again. */
  onRetries(retries: number, endedAtMs: number): void {
    this.#retries += retries;
    if (this.#workers > 1 && this.#retries > STORM * this.#windowCommits) this.cut(endedAtMs);
  }

  /** Takes workers away at once. */
  cut(nowMs: number): void {
    this.#isClimbing = false;
    this.#hold(Math.max(1, Math.floor(this.#workers * DECREASE)), nowMs);
    this.#pauseLonger();
  }

  /** Forgets what was measured, when a batch is no longer what it was. */
  forget(nowMs: number): void {
    this.#hold(this.#isClimbing ? this.#workers : this.#best, nowMs);
    this.#beginWindow();
    this.#changedAtMs = nowMs;
  }

  get #windowCommits(): number {
    if (this.#isClimbing) return Math.max(MIN_CLIMB_COMMITS, CLIMB_COMMITS * this.#workers);
    return this.#state === 'hold' ? Math.max(MIN_COMMITS, HOLD_COMMITS * this.#workers) : this.#probeCommits;
  }

  get #probeCommits(): number {
    return Math.max(MIN_COMMITS, PROBE_COMMITS * this.#workers);
  }

  /** Whether a trial needs no more commits. */
  #isClear(window: Rate): boolean {
    if (this.#state !== 'trial') return false;
    const isFar = rateOf(window) < FAR_LOSS * rateOf(this.#base!);
    const least = Math.max(isFar ? FAR_COMMITS : CLEAR_COMMITS, this.#workers);
    return window.commits >= least && isApart(window, this.#base!, this.#threshold);
  }

  /** The gain at which a trial pays. */
  get #threshold(): number {
    if (this.#isClimbing) return CLIMB_GAIN;
    return this.#direction > 0 ? STEP_GAIN : STEP_LOSS;
  }

  #climb(nowMs: number): void {
    if (this.#isBusy && this.#best < this.#maxWorkers)
      this.#try(Math.min(this.#maxWorkers, 2 * this.#best), nowMs);
    else this.#isClimbing = false;
  }

  #probe(nowMs: number): void {
    this.#held = 0;
    if (this.#commitsLeft() < PROBE_WORTH * this.#probeCommits) return;
    if (this.#best + this.#direction < 1 || this.#best + this.#direction > this.#maxWorkers)
      this.#direction *= -1;
    if (this.#direction > 0 && !this.#isBusy) {
      this.#direction = -1;
      return;
    }
    const isHalf = this.#direction < 0 && this.#halves;
    const step = isHalf ? Math.ceil(this.#best / 2) : this.#step;
    const next = Math.min(this.#maxWorkers, Math.max(1, this.#best + this.#direction * step));
    if (next !== this.#best) this.#try(next, nowMs);
  }

  /** Whether the best number of workers was at work. */
  get #isBusy(): boolean {
    return this.#base!.runningMs / this.#base!.latencyMs >= BUSY_SHARE * this.#best;
  }

  /** Compares a trial with the window before it. */
  #judge(trial: Trial, nowMs: number): void {
    const gain = rateOf(trial.rate) / rateOf(this.#base!);
    if (gain <= this.#threshold) this.#reject(nowMs, gain);
    else if (this.#isClimbing && gain > FULL_GAIN) this.#accept(trial, gain, nowMs);
    else {
      this.#trial = trial;
      this.#state = 'check';
      this.#set(this.#best, nowMs);
    }
  }

  /** Compares a trial with the windows before and after it. */
  #check(after: Rate, nowMs: number): void {
    const trial = this.#trial!;
    const gain = rateOf(trial.rate) / rateOf(sumOf(this.#base!, after));
    this.#base = after;
    if (gain > this.#threshold) this.#accept(trial, gain, nowMs);
    else this.#reject(nowMs, gain);
  }

  #accept({ workers, rate }: Trial, gain: number, nowMs: number): void {
    this.#hold(workers, nowMs);
    this.#base = rate;
    this.#pause = 1;
    if (this.#isClimbing) {
      if (gain > FULL_GAIN) this.#pause = FULL_GAIN_PAUSE;
      this.#climb(nowMs);
      return;
    }
    // What is better, and not just no worse, shows the way; the next step in it is larger, and at once.
    const isBetter = gain > STEP_GAIN || (this.#direction < 0 && this.#halves);
    this.#step = isBetter ? Math.min(2 * this.#step, Math.max(1, this.#maxWorkers >> 2)) : 1;
    if (isBetter) this.#probe(nowMs);
  }

  #reject(nowMs: number, gain: number): void {
    this.#hold(this.#best, nowMs);
    if (this.#isClimbing) {
      this.#isClimbing = false;
      return;
    }
    this.#step = 1;
    if (this.#direction < 0) this.#halves = false;
    const isOnlyWay = this.#best === (this.#direction < 0 ? this.#maxWorkers : 1);
    this.#direction *= -1;
    this.#pauseLonger();
    if (gain < FAR_LOSS && isOnlyWay)
      this.#pause = Math.max(this.#pause, Math.ceil(FAR_PAUSE_COMMITS / this.#windowCommits));
  }

  #pauseLonger(): void {
    this.#pause = Math.min(MAX_PAUSE, PATIENCE * this.#pause);
  }

  #hold(workers: number, nowMs: number): void {
    this.#state = 'hold';
    this.#held = 0;
    this.#best = workers;
    this.#set(workers, nowMs);
  }

  #try(workers: number, nowMs: number): void {
    this.#state = 'trial';
    this.#set(workers, nowMs);
  }

  #set(workers: number, nowMs: number): void {
    if (workers === this.#workers) return;
    this.#workers = workers;
    this.#changedAtMs = nowMs;
    this.#beginWindow();
  }

  #beginWindow(): void {
    this.#window = emptyRate();
    this.#retries = 0;
  }
}

function emptyRate(): Rate {
  return { rows: 0, latencyMs: 0, runningMs: 0, squares: 0, commits: 0 };
}

/** Whether two rates are further from a ratio than chance explains. */
function isApart(a: Rate, b: Rate, ratio: number): boolean {
  const distance = Math.abs(Math.log(rateOf(a) / rateOf(b) / ratio));
  return distance > CLEAR_ERRORS * Math.hypot(errorOf(a), errorOf(b));
}

/** Standard error of a rate, of the rate. */
function errorOf({ latencyMs, squares, commits }: Rate): number {
  const variance = (commits * squares) / latencyMs ** 2 - 1;
  return Math.sqrt(Math.max(MIN_SPREAD ** 2, variance) / commits);
}

/** Rows a ms, by Little's law. */
function rateOf({ rows, latencyMs, runningMs }: Rate): number {
  return (runningMs / latencyMs) * (rows / latencyMs);
}

/** What was seen in two windows of one number of workers. */
function sumOf(a: Rate, b: Rate): Rate {
  return {
    rows: a.rows + b.rows,
    latencyMs: a.latencyMs + b.latencyMs,
    runningMs: a.runningMs + b.runningMs,
    squares: a.squares + b.squares,
    commits: a.commits + b.commits,
  };
}
