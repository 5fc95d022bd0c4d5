/** What part of the music the roll shows. */
import { signal } from "@preact/signals";

export const MIN_BAR_WIDTH = 28;
export const MAX_BAR_WIDTH = 480;

/** First bar shown (a fraction of bars may be cut), and pixels a bar. */
export const left = signal(0);
export const barWidth = signal(150);
export const follows = signal(true);
/** Whether bars show what the model was shown, and nothing else. */
export const isModelView = signal(false);
/** Width of the lanes in pixels, measured. */
export const width = signal(800);

export const visibleBars = (): number => width.value / barWidth.value;

export function scrollTo(bar: number): void {
  left.value = Math.max(0, bar);
}

/** Zoom so that the bar under `x` pixels stays there. */
export function zoom(factor: number, x = width.value / 2): void {
  const at = left.value + x / barWidth.value;
  barWidth.value = Math.min(MAX_BAR_WIDTH, Math.max(MIN_BAR_WIDTH, barWidth.value * factor));
  scrollTo(at - x / barWidth.value);
}

/** Turn the page when the playhead leaves the middle. */
export function follow(position: number): void {
  if (!follows.value) return;
  const part = (position - left.value) / visibleBars();
  if (part < 0 || part > 0.8) scrollTo(Math.floor(position) - visibleBars() * 0.25);
}
