/** The page's side of a session: what the server says becomes state, what the musician does becomes messages. */
import { signal } from "@preact/signals";
import type { Osc, OscValue } from "../wire/osc";
import type { Wire } from "../wire/wire";
import { fromSnapshot, reduce } from "./reduce";
import { emptySession, type Session } from "./state";

export interface Listed {
  id: string;
  name: string;
  state: string;
  playhead: number;
  idle_seconds: number;
  players: number;
  watchers: number;
}

export interface Notice {
  kind: "error" | "warning";
  text: string;
  at: number;
}

const KEPT_ID = "midigpt-studio session";
const UNKNOWN_SESSION = 9;
const PATIENCE_MS = 10_000;

export class Client {
  readonly session = signal<Session>(emptySession());
  readonly sessions = signal<Listed[]>([]);
  readonly notice = signal<Notice | null>(null);
  /** Whether this page may play in the session it shows. */
  readonly isPlayer = signal(false);
  /** Called with each message of the session after it has changed the state. */
  onMessage: (message: Osc, direction: "in" | "out") => void = () => {};
  #state = emptySession();
  #wire: Wire;
  #isStale = false;
  #waiters: { address: string; done: (message: Osc) => void }[] = [];

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onOpen = () => this.#resume();
    wire.onBatch = (messages) => this.#receive(messages);
  }

  send(address: string, ...values: OscValue[]): void {
    this.#wire.send(address, ...values);
  }

  /** Begin a session of our own; resolves when it can be set up. */
  async begin(name: string): Promise<void> {
    const id = this.#heard("/midigpt/session/id");
    this.send("/midigpt/session/init", name, 0, this.isPlayer.value ? this.#state.id : "");
    const told = String((await id)[1]);
    this.isPlayer.value = true;
    await this.watch(told);
  }

  /** Let the session run; resolves when it does, and all that was sent before is in the state. */
  async run(): Promise<void> {
    const started = this.#heard("/midigpt/session/started");
    this.send("/midigpt/session/start");
    await started;
  }

  /** Show a session; resolves with its snapshot. */
  async watch(id: string): Promise<void> {
    const isOther = id !== this.#state.id;
    if (isOther && this.#state.id) this.send("/midigpt/session/unwatch", this.#state.id);
    sessionStorage.setItem(KEPT_ID, id);
    const snapshot = this.#heard("/midigpt/session/snapshot");
    this.send("/midigpt/session/watch", id);
    await snapshot;
  }

  /** Play in a session that somebody else has begun. */
  async attach(id: string): Promise<void> {
    const snapshot = this.#heard("/midigpt/session/snapshot");
    this.send("/midigpt/session/attach", id);
    await snapshot;
    this.isPlayer.value = true;
    await this.watch(id);
  }

  /** Go on with a session of the journal, or one that has lost its player. */
  async resume(id: string): Promise<void> {
    const snapshot = this.#heard("/midigpt/session/snapshot");
    this.send("/midigpt/session/resume", id);
    await snapshot;
    this.isPlayer.value = true;
    await this.watch(id);
  }

  list(): void {
    this.send("/midigpt/sessions/query");
  }

  tell(kind: Notice["kind"], text: string): void {
    this.notice.value = { kind, text, at: Date.now() };
  }

  /** After a reload or a lost connection: go on where the server is. */
  #resume(): void {
    this.list();
    const id = this.#state.id || sessionStorage.getItem(KEPT_ID) || "";
    if (!id) return;
    this.#isStale = false;
    if (this.isPlayer.value) this.send("/midigpt/session/attach", id);
    this.send("/midigpt/session/watch", id);
  }

  /** The next message to us with an address. */
  #heard(address: string): Promise<Osc> {
    return new Promise((done, fail) => {
      this.#waiters.push({ address, done });
      setTimeout(() => fail(new Error("The server does not answer.")), PATIENCE_MS);
    });
  }

  #receive(messages: Osc[]): void {
    for (const message of messages) {
      if (message[0] === "/midigpt/session/mirror") this.#onMirror(message);
      else this.#onDirect(message);
    }
    this.session.value = { ...this.#state };
  }

  #onMirror([, id, revision, direction, address, values]: Osc): void {
    if (id !== this.#state.id || this.#isStale || Number(revision) <= this.#state.revision) return;
    if (Number(revision) !== this.#state.revision + 1) {
      this.#refresh();
      return;
    }
    this.#state.revision = Number(revision);
    const message: Osc = [String(address), ...(JSON.parse(String(values)) as OscValue[])];
    if (!reduce(this.#state, message, performance.now())) this.#refresh();
    this.onMessage(message, direction === "in" ? "in" : "out");
  }

  /** A message is missing, or only the server knows what holds now. */
  #refresh(): void {
    this.#isStale = true;
    this.send("/midigpt/session/watch", this.#state.id);
  }

  #onDirect(message: Osc): void {
    const [address, first, second] = message;
    switch (address) {
      case "/midigpt/session/snapshot":
        this.#onSnapshot(String(first));
        break;
      case "/midigpt/capabilities":
      case "/midigpt/model":
        reduce(this.#state, message, 0);
        break;
      case "/midigpt/sessions":
        this.sessions.value = JSON.parse(String(first)).sessions;
        break;
      case "/midigpt/error":
        this.#onError(Number(first), String(second));
        break;
      case "/midigpt/warning":
        this.tell("warning", String(second));
        break;
    }
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.address !== address) return true;
      waiter.done(message);
      return false;
    });
  }

  #onSnapshot(text: string): void {
    const known = this.#state;
    const session = fromSnapshot(text);
    const isSame = session.id === known.id;
    if (Object.keys(session.modelAttributes).length === 0) {
      const { capabilities, modelAttributes, windowLengths, knownMeters, models } = known;
      Object.assign(session, { capabilities, modelAttributes, windowLengths, knownMeters, models });
    }
    if (isSame) {
      const { prompts, sampled, latencies, late, fallbacks } = known;
      Object.assign(session, { prompts, sampled, latencies, late, fallbacks });
    }
    this.#state = session;
    this.#isStale = false;
  }

  #onError(code: number, text: string): void {
    if (code === UNKNOWN_SESSION) {
      sessionStorage.removeItem(KEPT_ID);
      this.isPlayer.value = false;
      this.#state = emptySession();
      return;
    }
    this.tell("error", text);
    if (this.#state.id) this.#refresh();
  }
}
