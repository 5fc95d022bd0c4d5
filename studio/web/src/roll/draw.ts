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
  beats: number;
  lines: { bar: string; beat: string; black: string; chosen: string };
  /** Bars with their own tint, such as selected ones. */
  tints: Map<number, string>;
  /** The note that the musician has chosen, and the one that is being drawn or moved. */
  chosen: PlacedNote | null;
  draft: PlacedNote | null;
}

const LEAST_SPAN = 18;
const MARGIN = 3;

/** The pitches that a lane shows, lowest and highest. */
export function pitchRange(index: NoteIndex): [low: number, high: number] {
  if (index.size === 0) return [54, 54 + LEAST_SPAN];
  const low = index.low - MARGIN;
  const high = index.high + MARGIN;
  const missing = Math.max(0, LEAST_SPAN - (high - low));
  return [low - Math.ceil(missing / 2), high + Math.floor(missing / 2)];
}

export function drawLane(context: CanvasRenderingContext2D, lane: Lane): void {
  const { width, height, barWidth, left } = lane;
  context.clearRect(0, 0, width, height);
  const [low, high] = pitchRange(lane.index);
  const row = height / (high - low + 1);
  if (!lane.isDrum && row >= 2) drawBlackKeys(context, lane, low, high, row);
  for (const [bar, tint] of lane.tints) {
    context.fillStyle = tint;
    context.fillRect((bar - left) * barWidth, 0, barWidth, height);
  }
  drawGrid(context, lane);
  context.fillStyle = lane.colour;
  for (const note of lane.index.between(left, left + width / barWidth)) {
    drawNote(context, lane, note, (high - note.pitch) * row, row);
  }
  context.globalAlpha = 1;
  for (const note of [lane.draft, lane.chosen]) {
    if (!note) continue;
    if (note === lane.draft) drawNote(context, lane, note, (high - note.pitch) * row, row);
    context.globalAlpha = 1;
    context.strokeStyle = lane.lines.chosen;
    context.lineWidth = 2;
    const x = (note.start - left) * barWidth;
    context.strokeRect(x - 1, (high - note.pitch) * row - 1, note.duration * barWidth + 2, row + 2);
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
  const height = Math.min(12, Math.max(3, row - 1));
  const width = lane.isDrum ? height : Math.max(3, note.duration * lane.barWidth - 1);
  context.globalAlpha = 0.45 + 0.55 * (note.velocity / 127);
  context.beginPath();
  context.roundRect(x, y + (row - height) / 2, width, height, lane.isDrum ? height / 2 : 2);
  context.fill();
}

function drawBlackKeys(
  context: CanvasRenderingContext2D,
  lane: Lane,
  low: number,
  high: number,
  row: number,
): void {
  context.fillStyle = lane.lines.black;
  for (let pitch = low; pitch <= high; pitch++) {
    if ([1, 3, 6, 8, 10].includes(((pitch % 12) + 12) % 12)) {
      context.fillRect(0, (high - pitch) * row, lane.width, row);
    }
  }
}

function drawGrid(context: CanvasRenderingContext2D, lane: Lane): void {
  const { left, barWidth, width, height, beats } = lane;
  for (let bar = Math.floor(left); bar <= left + width / barWidth; bar++) {
    for (let beat = 0; beat < beats; beat++) {
      if (beat > 0 && barWidth < 80) break;
      context.fillStyle = beat === 0 ? lane.lines.bar : lane.lines.beat;
      context.fillRect(Math.round((bar + beat / beats - left) * barWidth), 0, 1, height);
    }
  }
}
