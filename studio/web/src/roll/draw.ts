/** Draws the notes of one lane on its canvas. The playhead is another layer, so this one rests. */
import type { NoteIndex, PlacedNote } from "./notes";

export interface Lane {
  index: NoteIndex;
  isDrum: boolean;
  colour: string;
  left: number;
  barWidth: number;
  width: number;
  height: number;
  /** Beats of a bar. */
  beatsIn(bar: number): number;
  lines: { bar: string; beat: string; black: string; chosen: string };
  /** Bars with their own tint, such as selected ones. */
  tints: Map<number, string>;
  /** The note that the musician has chosen, and the one that is being drawn or moved. */
  chosen: PlacedNote | null;
  draft: PlacedNote | null;
}

const LEAST_SPAN = 18;
const MARGIN = 3;
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);

/**
 * Where pitches lie in a lane: rows from the top, and which pitch a row is. A drum kit has a row for
 * each drum in use.
 */
export interface Rows {
  count: number;
  rowOf(pitch: number): number;
  pitchAt(row: number): number;
}

export function rowsOf(index: NoteIndex, isDrum: boolean): Rows {
  if (isDrum) {
    const drums = index.pitches.length ? [...index.pitches].reverse() : [46, 42, 38, 36];
    return {
      count: drums.length,
      rowOf: (pitch) => drums.indexOf(pitch),
      pitchAt: (row) => drums[Math.min(Math.max(row, 0), drums.length - 1)]!,
    };
  }
  const [low, high] = pitchRange(index);
  return {
    count: high - low + 1,
    rowOf: (pitch) => high - pitch,
    pitchAt: (row) => Math.min(127, Math.max(0, high - row)),
  };
}

function pitchRange(index: NoteIndex): [low: number, high: number] {
  if (index.size === 0) return [54, 54 + LEAST_SPAN];
  const low = index.pitches[0]! - MARGIN;
  const high = index.pitches.at(-1)! + MARGIN;
  const missing = Math.max(0, LEAST_SPAN - (high - low));
  return [low - Math.ceil(missing / 2), high + Math.floor(missing / 2)];
}

export function drawLane(context: CanvasRenderingContext2D, lane: Lane): void {
  const { width, height, barWidth, left } = lane;
  context.clearRect(0, 0, width, height);
  const rows = rowsOf(lane.index, lane.isDrum);
  const row = height / rows.count;
  if (!lane.isDrum && row >= 2) drawBlackKeys(context, lane, rows, row);
  for (const [bar, tint] of lane.tints) {
    context.fillStyle = tint;
    context.fillRect((bar - left) * barWidth, 0, barWidth, height);
  }
  drawGrid(context, lane);
  context.fillStyle = lane.colour;
  for (const note of lane.index.between(left, left + width / barWidth)) {
    drawNote(context, lane, note, rows.rowOf(note.pitch) * row, row);
  }
  context.globalAlpha = 1;
  for (const note of [lane.draft, lane.chosen]) {
    if (!note) continue;
    const y = rows.rowOf(note.pitch) * row;
    if (note === lane.draft) drawNote(context, lane, note, y, row);
    context.globalAlpha = 1;
    context.strokeStyle = lane.lines.chosen;
    context.lineWidth = 2;
    const x = (note.start - left) * barWidth;
    context.strokeRect(x - 1, y - 1, note.duration * barWidth + 2, row + 2);
  }
}

function drawNote(
  context: CanvasRenderingContext2D,
  lane: Lane,
  note: PlacedNote,
  y: number,
  row: number,
): void {
  const x = (note.start - lane.left) * lane.barWidth;
  const height = lane.isDrum ? Math.min(9, Math.max(4, row - 2)) : Math.min(12, Math.max(5, row - 1));
  const width = lane.isDrum ? height : Math.max(3, note.duration * lane.barWidth - 1);
  context.globalAlpha = 0.45 + 0.55 * (note.velocity / 127);
  if (width < 4) {
    // too small for round corners to be seen
    context.fillRect(x, y + (row - height) / 2, width, height);
    return;
  }
  context.beginPath();
  context.roundRect(x, y + (row - height) / 2, width, height, lane.isDrum ? height / 2 : 2);
  context.fill();
}

function drawBlackKeys(
  context: CanvasRenderingContext2D,
  lane: Lane,
  rows: Rows,
  height: number,
): void {
  context.fillStyle = lane.lines.black;
  for (let row = 0; row < rows.count; row++) {
    if (BLACK_KEYS.has(rows.pitchAt(row) % 12)) {
      context.fillRect(0, row * height, lane.width, height);
    }
  }
}

function drawGrid(context: CanvasRenderingContext2D, lane: Lane): void {
  const { left, barWidth, width, height } = lane;
  for (let bar = Math.floor(left); bar <= left + width / barWidth; bar++) {
    const beats = lane.beatsIn(bar);
    for (let beat = 0; beat < beats; beat++) {
      if (beat > 0 && barWidth < 80) break;
      context.fillStyle = beat === 0 ? lane.lines.bar : lane.lines.beat;
      context.fillRect(Math.round((bar + beat / beats - left) * barWidth), 0, 1, height);
    }
  }
}
