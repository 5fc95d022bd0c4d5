/** Tap tempo: the middle of the last intervals, so that one bad tap does no harm. */
const LONGEST = 2000;
const KEPT = 6;

export class TapTempo {
  #taps: number[] = [];

  /** A tap at a moment in milliseconds; the tempo so far in beats per minute, if there is one. */
  tap(moment: number): number | undefined {
    if (moment - (this.#taps.at(-1) ?? moment) > LONGEST) this.#taps = [];
    this.#taps = [...this.#taps.slice(1 - KEPT), moment];
    if (this.#taps.length < 3) return undefined;
    const intervals = this.#taps.slice(1).map((tap, i) => tap - this.#taps[i]!);
    intervals.sort((a, b) => a - b);
    const middle = intervals.length / 2;
    const median =
      (intervals[Math.floor(middle - 0.5)]! + intervals[Math.ceil(middle - 0.5)]!) / 2;
    return 60_000 / median;
  }
}
