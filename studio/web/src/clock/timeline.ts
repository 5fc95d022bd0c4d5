/** Where bars lie in frames of audio. Bars are laid one after the other, as tempo and meter are then. */
import type { Meter } from "../session/state";

export interface TimedBar {
  index: number;
  frame: number;
  frames: number;
  meter: Meter;
  bpm: number;
}

export class Timeline {
  #bars: TimedBar[] = [];

  constructor(readonly sampleRate: number) {}

  /** Forget all bars; the next one begins at `frame`. */
  begin(index: number, frame: number, meter: Meter, bpm: number): TimedBar {
    this.#bars = [];
    return this.#lay(index, frame, meter, bpm);
  }

  /** Lay the next bar, at the end of the last one or, if that is past, at `earliest`. */
  extend(meter: Meter, bpm: number, earliest = 0, index = this.last!.index + 1): TimedBar {
    const last = this.#bars.at(-1)!;
    const frame = Math.max(last.frame + last.frames, Math.round(earliest));
    if (this.#bars.length > 64) this.#bars.shift();
    return this.#lay(index, frame, meter, bpm);
  }

  get last(): TimedBar | undefined {
    return this.#bars.at(-1);
  }

  /** The bar of a number; in a loop, the last time round. */
  bar(index: number): TimedBar | undefined {
    return this.#bars.findLast((bar) => bar.index === index);
  }

  before(bar: TimedBar): TimedBar | undefined {
    return this.#bars[this.#bars.indexOf(bar) - 1];
  }

  after(bar: TimedBar): TimedBar | undefined {
    return this.#bars[this.#bars.indexOf(bar) + 1];
  }

  /** Bars that are not over at a frame. */
  from(frame: number): TimedBar[] {
    return this.#bars.filter((bar) => bar.frame + bar.frames > frame);
  }

  /** The bar that sounds at a frame and how much of it has passed, 0..1. */
  at(frame: number): { bar: TimedBar; fraction: number } | undefined {
    const bar = this.#bars.findLast((b) => b.frame <= frame);
    return bar && { bar, fraction: Math.min(1, (frame - bar.frame) / bar.frames) };
  }

  frameOf(bar: TimedBar, fraction: number): number {
    return Math.round(bar.frame + fraction * bar.frames);
  }

  /** How far a note reaches from its onset, in fractions of the bar of its onset. */
  fractionBetween(from: { bar: TimedBar; fraction: number }, frame: number): number {
    return (frame - this.frameOf(from.bar, from.fraction)) / from.bar.frames;
  }

  #lay(index: number, frame: number, meter: Meter, bpm: number): TimedBar {
    const quarters = (4 * meter.numerator) / meter.denominator;
    const frames = (quarters * 60 * this.sampleRate) / bpm;
    const bar = { index, frame, frames, meter, bpm };
    this.#bars.push(bar);
    return bar;
  }
}

/** Beats of a bar as musicians count them: dotted quarters in 6/8, 9/8 and 12/8. */
export function beatsOf(meter: Meter): number {
  const isCompound = meter.denominator >= 8 && meter.numerator > 3 && meter.numerator % 3 === 0;
  return isCompound ? meter.numerator / 3 : meter.numerator;
}
