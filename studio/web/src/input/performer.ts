/** The musician: keys go down and up, notes with their true onset, length and velocity go to the session. */
import { signal } from "@preact/signals";
import type { Leader } from "../clock/leader";
import type { TimedBar } from "../clock/timeline";
import type { Client } from "../session/client";
import type { Player } from "../sound/player";

interface Held {
  velocity: number;
  place: { bar: TimedBar; fraction: number } | undefined;
}

/** A beat's share by which a note may come before a bar line and still be meant for it. */
const EARLY = 1 / 32;

export class Performer {
  /** The track that is played; -1 for none. */
  readonly trackId = signal(-1);
  /** Whether what is played goes to the band. */
  readonly isArmed = signal(true);
  readonly held = signal<ReadonlySet<number>>(new Set());
  channel = 0;
  #held = new Map<number, Held>();
  #sustained = new Set<number>();
  #hasPedal = false;

  constructor(
    private player: Player,
    private leader: Leader,
    private client: Client,
  ) {}

  /** `moment` is that of the key, in milliseconds of `performance.now()`. */
  press(pitch: number, velocity: number, moment: number): void {
    if (this.#held.has(pitch)) this.#finish(pitch, moment);
    this.player.press(this.channel, pitch, velocity);
    this.#held.set(pitch, { velocity, place: this.#onset(moment) });
    this.#sustained.delete(pitch);
    this.held.value = new Set(this.#held.keys());
  }

  release(pitch: number, moment: number): void {
    if (!this.#held.has(pitch)) return;
    if (this.#hasPedal) this.#sustained.add(pitch);
    else this.#finish(pitch, moment);
  }

  pedal(isDown: boolean, moment: number): void {
    this.#hasPedal = isDown;
    if (isDown) return;
    for (const pitch of [...this.#sustained]) this.#finish(pitch, moment);
  }

  /** At the bar line: what is still held is told as far as it has come, and told again at its end. */
  onBarEnd(bar: TimedBar): void {
    for (const [pitch, held] of this.#held) {
      if (!held.place || held.place.bar.frame > bar.frame) continue;
      this.#send(pitch, held, bar.frame + bar.frames);
    }
  }

  releaseAll(moment: number): void {
    for (const pitch of [...this.#held.keys()]) this.#finish(pitch, moment);
  }

  #finish(pitch: number, moment: number): void {
    const held = this.#held.get(pitch)!;
    this.#held.delete(pitch);
    this.#sustained.delete(pitch);
    this.held.value = new Set(this.#held.keys());
    this.player.release(this.channel, pitch);
    this.#send(pitch, held, this.player.frameHeardAt(moment));
  }

  /** A key struck a hair before the bar line is meant for the line. */
  #onset(moment: number): Held["place"] {
    const place = this.leader.placeHeardAt(moment);
    if (!place || place.fraction < 1 - EARLY / place.bar.meter.numerator) return place;
    const next = this.leader.timeline.after(place.bar);
    return next ? { bar: next, fraction: 0 } : place;
  }

  #send(pitch: number, { velocity, place }: Held, end: number): void {
    if (!place || !this.isArmed.value || this.trackId.value < 0) return;
    const onset = Math.max(0, place.fraction);
    const duration = Math.max(0.01, this.leader.timeline.fractionBetween(place, end));
    this.client.send(
      "/midigpt/note",
      this.trackId.value,
      pitch,
      velocity,
      Math.min(onset, 1),
      Math.min(duration, 64),
      place.bar.index,
    );
  }
}
