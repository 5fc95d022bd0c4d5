/** The last OSC messages in both directions, mirrored ones as what they mirror. */
import { signal } from "@preact/signals";
import type { Osc, OscValue } from "./osc";
import type { Wire } from "./wire";

export interface Line {
  at: number;
  isSent: boolean;
  address: string;
  text: string;
}

const KEPT = 500;
const MIRROR = "/midigpt/session/mirror";

/** What a session says to those who play in it; they watch it too, so the mirror shows it. */
const COMES_TWICE =
  /^\/midigpt\/(generated|generation|prompt|sampled|bar|play|status|session\/st(art|opp)ed)/;

export class OscLog {
  /** Rises when lines have come. */
  readonly version = signal(0);
  lines: Line[] = [];
  readonly isPaused = signal(false);

  constructor(wire: Wire) {
    wire.onTraffic = (messages, isSent) => {
      if (this.isPaused.value) return;
      for (const message of messages) this.#add(message, isSent);
      if (this.lines.length > KEPT) this.lines = this.lines.slice(-KEPT);
      this.version.value++;
    };
  }

  clear(): void {
    this.lines = [];
    this.version.value++;
  }

  #add(message: Osc, isSent: boolean): void {
    const [address, ...values] = message;
    if (!isSent && COMES_TWICE.test(address)) return;
    const line: Line =
      address === MIRROR
        ? {
            at: Date.now(),
            isSent: values[2] === "in",
            address: String(values[3]),
            text: (JSON.parse(String(values[4])) as OscValue[]).join(" "),
          }
        : { at: Date.now(), isSent, address, text: values.map(String).join(" ") };
    this.lines.push(line);
  }
}
