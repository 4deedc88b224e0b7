/**
 * Keeps one stream open by the best transport that works (WebSocket, then SSE, then polling). After
 * a failure it tries again, with growing, jittered waits, until it is stopped or the stream ends.
 */

const FAILURES_BEFORE_NEXT = 2;
/** A transport that failed is tried again after this. */
const FORGIVE_MS = 60_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A connection that held this long was a good one: waits begin small again. */
const STEADY_MS = 5_000;

/** Return a wait before try number `attempt` (from 0): doubling, bounded, with jitter. */
export function backoffMs(attempt, random = Math.random) {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return full * (0.5 + random() / 2);
}

/** What `check` says after a connection has ended. */
export const Verdict = Object.freeze({
  /** The server answers and there is more to come. */
  REACHABLE: "reachable",
  /** Nobody answers, or not now. */
  UNREACHABLE: "unreachable",
  /** There will be no more. */
  ENDED: "ended",
  /** Coming back is useless: not allowed, or not there. */
  REFUSED: "refused",
});

export class Connection {
  #transports;
  #check;
  #received;
  #opened;
  #tell;
  #random;
  #events;
  #failures = new Map();
  #current = null;
  #standing = null;
  #wake = null;
  /** The running loop's own mark; a loop that is not this one's any more ends. */
  #life = null;
  #attempt = 0;

  /**
   * @param {object} options
   * @param {{name: string, run: Function}[]} options.transports Best first.
   * @param {() => Promise<{verdict: string, retryAfterMs?: number}>} options.check Asks the server
   *   over plain HTTP what became of the stream.
   * @param {(message: any) => void} options.received
   * @param {() => void} options.opened A connection stands.
   * @param {(state: object) => void} options.tell Called with each change of state.
   * @param {() => number} options.random
   * @param {EventTarget|null} options.events Where `online` and `offline` are dispatched.
   */
  constructor({ transports, check, received, opened, tell, random, events }) {
    this.#transports = transports;
    this.#check = check;
    this.#received = received;
    this.#opened = opened;
    this.#tell = tell;
    this.#random = random;
    this.#events = events;
  }

  /** Open, unless it is open already. */
  start() {
    if (this.#life) return;
    this.#life = {};
    this.#attempt = 0;
    this.#events?.addEventListener("online", this);
    this.#events?.addEventListener("offline", this);
    this.#run(this.#life);
  }

  /** Close on purpose: nothing is tried again. */
  stop() {
    if (this.#life) this.#leave({ status: "stopped" });
  }

  /** As `restart`, and blame what kept back events. */
  replace() {
    if (this.#standing) this.#blame(this.#standing, true);
    this.restart();
  }

  /** Break the current connection, if any, and come back at once. */
  restart() {
    this.#attempt = 0;
    this.#wake?.();
    this.#current?.abort();
  }

  /** Listener of `online` and `offline`. */
  handleEvent(event) {
    if (event.type === "online") this.#wake?.();
    else this.#current?.abort();
  }

  #leave(state) {
    this.#life = null;
    this.#events?.removeEventListener("online", this);
    this.#events?.removeEventListener("offline", this);
    this.#current?.abort();
    this.#wake?.();
    this.#tell({ transport: null, ...state });
  }

  async #run(life) {
    while (this.#life === life) {
      const transport = this.#pick();
      const opened = await this.#connect(transport);
      if (this.#life !== life) return;
      const { verdict, retryAfterMs = 0 } = await this.#check();
      if (this.#life !== life) return;
      if (verdict === Verdict.ENDED || verdict === Verdict.REFUSED) {
        return this.#leave({ status: verdict });
      }
      // a transport is to blame only when the server answers by other means
      if (!opened && verdict === Verdict.REACHABLE) this.#blame(transport);
      await this.#wait(Math.max(retryAfterMs, backoffMs(this.#attempt++, this.#random)), verdict);
    }
  }

  /** Run a transport until it is over; return whether it ever stood. */
  async #connect(transport) {
    const current = (this.#current = new AbortController());
    let openedAt = 0;
    this.#tell({ status: "connecting", transport: transport.name, attempt: this.#attempt });
    try {
      await transport.run({
        signal: current.signal,
        opened: () => {
          openedAt = Date.now();
          this.#standing = transport;
          if (!this.#failures.get(transport.name)?.mute) this.#failures.delete(transport.name);
          this.#tell({ status: "live", transport: transport.name });
          this.#opened();
        },
        received: (message) => {
          if (current.signal.aborted) return;
          this.#failures.delete(transport.name);
          this.#received(message);
        },
      });
    } catch {
      // why it broke is told by `check`, over a transport that can tell
    } finally {
      this.#current = null;
      this.#standing = null;
    }
    if (openedAt && Date.now() - openedAt > STEADY_MS) this.#attempt = 0;
    return openedAt > 0;
  }

  #pick() {
    const now = Date.now();
    const good = this.#transports.find(({ name }) => {
      const failed = this.#failures.get(name);
      return !failed || failed.times < FAILURES_BEFORE_NEXT || now - failed.at > FORGIVE_MS;
    });
    if (good) return good;
    this.#failures.clear();
    return this.#transports[0];
  }

  /** After a `mute` failure only a message proves that a transport works. */
  #blame({ name }, mute = false) {
    const times = (this.#failures.get(name)?.times ?? 0) + 1;
    this.#failures.set(name, { times, at: Date.now(), mute });
    if (times === FAILURES_BEFORE_NEXT) this.#attempt = 0; // the next one has not failed yet
  }

  #wait(delayMs, verdict) {
    const reachable = verdict === Verdict.REACHABLE;
    this.#tell({ status: "waiting", transport: null, reachable, retryAt: Date.now() + delayMs });
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#wake = done;
    });
  }
}
