/**
 * Finds how many cells to write at the same time, from what the commits say: hill climbing on throughput, with the
 * doubling of TCP's slow start to get near (Jacobson, "Congestion avoidance and control", 1988) and one worker more or
 * less from there on, taken back where it does not pay (Chiu and Jain, "Analysis of the increase and decrease algorithms
 * for congestion avoidance", 1989). Throughput comes from latency by Little's law ("A proof for the queuing formula
 * L = λW", 1961), rate = running × rows / latency, so that a commit counts the moment it is done, and a queue that only
 * grows shows as it does in TCP Vegas (Brakmo and Peterson, 1995): twice the workers, twice the latency, the same rate.
 *
 * | state | workers | when a window is full |
 * |---|---|---|
 * | climb | twice as many each time | the rate rose: twice as many again; else hold what was before |
 * | hold | the best known | after a pause: probe; something known was better after all: that |
 * | probe | half of the best, or a step up or down | it pays: that is the best, and on in the same direction; else back, and a longer pause |
 *
 * The first probe is the half: a server that warms up while workers are added makes each doubling look good. Towards the end of a
 * load there are no probes: what they find out would be of no use any more.
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
/** A doubling that gained so much of what it could need not be looked at again soon. */
const FULL_GAIN = 1.6;
const FULL_GAIN_PAUSE = 2;
/** One worker more must gain so much: less is noise, and each one holds memory and locks. */
const STEP_GAIN = 1.02;
/** One worker less may lose so little. */
const STEP_LOSS = 0.99;
/**
 * Commits a worker in a window, at most: a trial ends earlier when its outcome is clear. These and the gains were found
 * in the simulation, where the optimum is flat: twice or half of any of them changes the result by less than 1 %.
 */
const CLIMB_COMMITS = 2;
const HOLD_COMMITS = 6;
const PROBE_COMMITS = 3;
const MIN_COMMITS = 8;
/** A probe takes a window of what is left, and where it does not pay a part of it is lost: only so many more may win that back. */
const PROBE_WORTH = 8;
/** An outcome is clear at two standard errors (after Wald, "Sequential tests of statistical hypotheses", 1945). */
const CLEAR_ERRORS = 2;
/** Spread of latencies, of their mean, at least: a few that are alike by chance prove nothing. */
const MIN_SPREAD = 0.2;
/** Logarithm of a change of the rate that no trial brought about. */
const SHIFT = 0.3;
/** What was better by this much in its day is tried again. */
const RETURN_GAIN = 1.05;
/** Commits that count: older ones fade, because a store that grows, or a neighbour, changes the rate. */
const MEMORY_COMMITS = 128;
/** Windows between probes, at most. */
const MAX_PAUSE = 16;
/** Where workers stand still for want of cells or of rows, more of them would not help. */
const BUSY_SHARE = 0.8;
/** So many retries a commit are a storm: most of the work is thrown away. */
const STORM = 2;
/** As in CUBIC (Ha, Rhee, Xu, 2008): a half would give away more than it saves. */
const DECREASE = 0.7;

export class AdaptiveWorkers {
  readonly #maxWorkers: number;
  readonly #commitsLeft: () => number;
  readonly #rates = new Map<number, Rate>();
  #workers: number;
  #best: number;
  #state: 'climb' | 'hold' | 'probe' = 'climb';
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
    if (maxWorkers === 1) this.#state = 'hold';
  }

  get workers(): number {
    return this.#workers;
  }
  /** Whether it is still getting near. */
  get isClimbing(): boolean {
    return this.#state === 'climb';
  }

  onCommit({ rows, latencyMs, running, endedAtMs }: Commit): void {
    if (endedAtMs - latencyMs < this.#changedAtMs || latencyMs <= 0) return;
    const window = this.#window;
    window.rows += rows;
    window.latencyMs += latencyMs;
    window.runningMs += Math.min(running, this.#workers) * latencyMs;
    window.squares += latencyMs ** 2;
    window.commits++;
    if (window.commits < this.#windowCommits() && !this.#isClear(window)) return;
    const known = this.#rates.get(this.#workers);
    const isOther =
      known && this.#state === 'hold' && Math.abs(Math.log(rateOf(window) / rateOf(known))) > SHIFT;
    // The server is no longer what it was: nothing that was measured before can be compared with what is measured now.
    if (isOther && isApart(window, known, 1)) {
      this.#rates.clear();
      this.#pause = 1;
      this.#halves = true;
    }
    this.#rates.set(this.#workers, merged(this.#rates.get(this.#workers), window));
    const isBusy = window.runningMs / window.latencyMs >= BUSY_SHARE * this.#workers;
    this.#beginWindow();
    this.#decide(isBusy, endedAtMs);
  }

  /** A transaction had to be tried again. */
  onRetries(retries: number, endedAtMs: number): void {
    this.#retries += retries;
    if (this.#workers > 1 && this.#retries > STORM * this.#windowCommits()) this.cut(endedAtMs);
  }

  /** Takes workers away at once. */
  cut(nowMs: number): void {
    this.#best = Math.max(1, Math.floor(this.#workers * DECREASE));
    this.#state = 'hold';
    this.#pauseLonger();
    this.#set(this.#best, nowMs);
  }

  /** Forgets what was measured, when a batch is no longer what it was. */
  forget(nowMs: number): void {
    this.#rates.clear();
    this.#beginWindow();
    this.#changedAtMs = nowMs;
    if (this.#state === 'climb') this.#best = this.#workers;
    if (this.#state === 'probe') {
      this.#state = 'hold';
      this.#set(this.#best, nowMs);
    }
  }

  #windowCommits(state = this.#state): number {
    if (state === 'climb') return Math.max(4, CLIMB_COMMITS * this.#workers);
    return Math.max(MIN_COMMITS, (state === 'hold' ? HOLD_COMMITS : PROBE_COMMITS) * this.#workers);
  }

  /** Whether a trial needs no more commits. */
  #isClear(window: Rate): boolean {
    const best = this.#rates.get(this.#best);
    if (this.#state === 'hold' || this.#workers === this.#best || !best) return false;
    if (window.commits < Math.max(3, this.#workers)) return false;
    return isApart(window, best, this.#threshold);
  }

  /** The gain at which a trial pays. */
  get #threshold(): number {
    if (this.#state === 'climb') return CLIMB_GAIN;
    return this.#direction > 0 ? STEP_GAIN : STEP_LOSS;
  }

  #decide(isBusy: boolean, nowMs: number): void {
    switch (this.#state) {
      case 'climb':
        this.#climb(isBusy, nowMs);
        return;
      case 'hold':
        if (this.#return(nowMs)) return;
        if (++this.#held >= this.#pause) this.#probe(isBusy, nowMs);
        return;
      case 'probe':
        this.#judge(isBusy, nowMs);
        return;
      default:
        this.#state satisfies never;
    }
  }

  #climb(isBusy: boolean, nowMs: number): void {
    const gain =
      this.#workers === this.#best ? Number.POSITIVE_INFINITY : this.#gain(this.#workers, this.#best);
    const pays = gain > this.#threshold;
    if (pays) this.#best = this.#workers;
    if (pays && isBusy && this.#workers < this.#maxWorkers) {
      this.#set(Math.min(this.#maxWorkers, 2 * this.#workers), nowMs);
      return;
    }
    this.#state = 'hold';
    this.#pause = Number.isFinite(gain) && gain > FULL_GAIN ? FULL_GAIN_PAUSE : 1;
    this.#set(this.#best, nowMs);
  }

  #probe(isBusy: boolean, nowMs: number): void {
    this.#held = 0;
    if (this.#commitsLeft() < PROBE_WORTH * this.#windowCommits('probe')) return;
    if (this.#best + this.#direction < 1 || this.#best + this.#direction > this.#maxWorkers)
      this.#direction *= -1;
    if (this.#direction > 0 && !isBusy) {
      this.#direction = -1;
      return;
    }
    const isHalf = this.#direction < 0 && this.#halves;
    const step = isHalf ? Math.ceil(this.#best / 2) : this.#step;
    const next = Math.min(this.#maxWorkers, Math.max(1, this.#best + this.#direction * step));
    if (next === this.#best) return;
    this.#state = 'probe';
    this.#set(next, nowMs);
  }

  #judge(isBusy: boolean, nowMs: number): void {
    const gain = this.#gain(this.#workers, this.#best);
    this.#state = 'hold';
    if (gain > this.#threshold) {
      this.#best = this.#workers;
      this.#pause = 1;
      this.#held = 0;
      // What is better, and not just no worse, shows the way; the next step in it is larger, and at once.
      const isBetter = gain > STEP_GAIN || (this.#direction < 0 && this.#halves);
      this.#step = isBetter ? Math.min(2 * this.#step, Math.max(1, this.#maxWorkers >> 2)) : 1;
      if (isBetter) this.#probe(isBusy, nowMs);
      return;
    }
    this.#step = 1;
    if (this.#direction < 0) this.#halves = false;
    this.#direction *= -1;
    this.#pauseLonger();
    this.#set(this.#best, nowMs);
  }

  /** Goes back to what turns out to have been better. */
  #return(nowMs: number): boolean {
    const here = rateOf(this.#rates.get(this.#best));
    for (const [workers, rate] of this.#rates) {
      if (rate.commits < MIN_COMMITS || rateOf(rate) < here * RETURN_GAIN) continue;
      this.#best = workers;
      this.#held = 0;
      this.#set(workers, nowMs);
      return true;
    }
    return false;
  }

  #gain(workers: number, than: number): number {
    return rateOf(this.#rates.get(workers)) / rateOf(this.#rates.get(than));
  }

  #pauseLonger(): void {
    this.#held = 0;
    this.#pause = Math.min(MAX_PAUSE, 2 * this.#pause);
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
function rateOf(rate: Rate | undefined): number {
  return rate ? (rate.runningMs / rate.latencyMs) * (rate.rows / rate.latencyMs) : 0;
}

/** Adds a window to what was known, which fades to make room. */
function merged(known: Rate | undefined, window: Rate): Rate {
  if (!known) return window;
  const kept = Math.min(1, Math.max(0, MEMORY_COMMITS - window.commits) / known.commits);
  return {
    rows: kept * known.rows + window.rows,
    latencyMs: kept * known.latencyMs + window.latencyMs,
    runningMs: kept * known.runningMs + window.runningMs,
    squares: kept * known.squares + window.squares,
    commits: kept * known.commits + window.commits,
  };
}
