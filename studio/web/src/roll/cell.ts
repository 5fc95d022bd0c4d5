/** What became of one bar of one track, in one word and in a sentence. */
import {
  type Bar,
  type Cycle,
  emptyBar,
  type Prompt,
  promptOf,
  type Session,
  type Track,
} from "../session/state";

export type CellState =
  | "empty"
  | "played"
  | "context"
  | "hidden"
  | "generating"
  | "ready"
  | "written"
  | "playing"
  | "fallback"
  | "late";

export interface CellInfo {
  state: CellState;
  label: string;
}

export const CELL_LABELS: Record<CellState, string> = {
  empty: "",
  played: "",
  context: "CTX",
  hidden: "HID",
  generating: "GEN",
  ready: "NEXT",
  written: "NEW",
  playing: "NOW",
  fallback: "FILL",
  late: "LATE",
};

export const CELL_MEANINGS: Record<CellState, string> = {
  empty: "nothing yet",
  played: "played, no longer in the model's view",
  context: "shown to the model as context",
  hidden: "hidden from the model",
  generating: "being written by the model",
  ready: "written, comes next",
  written: "written by the model",
  playing: "sounding now",
  fallback: "filled by the agent's fallback policy",
  late: "came too late",
};

export function cellState(session: Session, track: Track, index: number, now: number): CellState {
  const bar = track.bars.get(index);
  if (isSong(session)) return songState(bar, index, now);
  if (bar?.fallback) return "fallback";
  if (bar?.isLate) return "late";
  const prompt = session.prompts.at(-1);
  const letter = prompt && letterOf(prompt, track.id, index, session.loop);
  const isPast = bar?.isOver || index < session.playhead;
  if (bar?.isOpen) return "generating";
  if (index === now) return "playing";
  if (track.isAgent && letter === "T" && session.isGenerating && index === prompt!.target) {
    return "generating";
  }
  if (track.isAgent && !isPast && bar?.notes.length) return "ready";
  if (letter === "C" && isPast) return "context";
  if (letter === "M" || letter === "A") return "hidden";
  return bar && isPast ? "played" : "empty";
}

/** What a bar was in the last prompt: one of the model's three states, or not shown at all. */
export function modelState(session: Session, track: Track, index: number): CellState {
  const prompt = session.prompts.at(-1);
  const letter = prompt && letterOf(prompt, track.id, index, session.loop);
  if (letter === "C") return "context";
  if (letter === "T") return "generating";
  return letter ? "hidden" : "empty";
}

/** What a bar was in a prompt. In a loop, bars after the target were those of the last time round. */
function letterOf(
  { target, start, end, states }: Prompt,
  trackId: number,
  index: number,
  loop: Cycle | null,
): string | undefined {
  const isInLoop = (bar: number) => loop && loop[0] <= bar && bar < loop[1];
  const length = loop ? loop[1] - loop[0] : 1;
  const place =
    isInLoop(index) && isInLoop(target)
      ? target - start - ((((target - index) % length) + length) % length)
      : index - start;
  return index < end || place < target - start ? states.get(trackId)?.[place] : undefined;
}

const isSong = (session: Session): boolean => session.phase === "UNINITIALIZED";

function songState(bar: Bar | undefined, index: number, now: number): CellState {
  if (index === now) return "playing";
  if (bar?.versions?.[bar.take]?.isWritten) return "written";
  return bar?.notes.length ? "played" : "empty";
}

const noteCount = ({ notes }: Bar): string => `${notes.length} note${notes.length === 1 ? "" : "s"}`;

const takeText = ({ take, takes }: Bar): string =>
  take < 0 ? `silent, ${takes} takes` : `take ${take + 1} of ${takes}`;

/** Why a bar is as it is, line by line. */
export function explain(session: Session, track: Track, index: number, now: number): string[] {
  const state = cellState(session, track, index, now);
  const bar = track.bars.get(index) ?? emptyBar();
  if (isSong(session)) {
    const lines = [`Bar ${index + 1}`, noteCount(bar)];
    const isWritten = bar.versions?.[bar.take]?.isWritten;
    return bar.versions ? [...lines, takeText(bar), isWritten ? "Written by the model" : "As it was"] : lines;
  }
  const lines = [`Bar ${index + 1}: ${CELL_MEANINGS[state]}`];
  const prompt = promptOf(session, index);
  if (!track.isAgent) {
    if (prompt) lines.push(`Last prompt: bars ${prompt.start + 1} to ${prompt.end}`);
    if (track.isIgnored) lines.push("This track is left out of the prompt");
    lines.push(noteCount(bar));
    return lines;
  }
  const { making, cost, features, fallback } = bar;
  lines.push(`${noteCount(bar)}${bar.takes > 1 ? `, ${takeText(bar)}` : ""}`);
  if (fallback) lines.push(`Fallback: ${fallback}`);
  if (making) {
    lines.push(
      `Window: bars ${making.windowStart + 1} to ${making.windowEnd}, ${making.contextBars} bars of context`,
    );
  }
  if (cost) {
    const { milliseconds, tokens, temperature, seed } = cost;
    const seedText = seed < 0 ? "random" : String(seed);
    lines.push(
      `${milliseconds.toFixed(0)} ms, ${tokens} tokens, temperature ${temperature}, seed ${seedText}`,
    );
  }
  if (features) {
    const [density, pitch, velocity, polyphony] = features;
    lines.push(
      `${density!.toFixed(1)} notes a beat, mean pitch ${pitch!.toFixed(0)}, velocity ${velocity!.toFixed(0)}, up to ${polyphony} at once`,
    );
  }
  return lines;
}
