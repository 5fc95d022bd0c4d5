/** Drawing, moving, stretching and deleting notes with the pointer. */
import { signal } from "@preact/signals";
import { song, view } from "../desk";
import { beatsOf } from "../clock/timeline";
import { meterOf, type Note, type Session, type Track } from "../session/state";
import { rowsOf } from "./draw";
import type { NoteIndex, PlacedNote } from "./notes";
import { barWidth, left } from "./view";

export interface Chosen {
  trackId: number;
  note: PlacedNote;
}

interface Lane {
  session: Session;
  track: Track;
  index: NoteIndex;
  height: number;
}

export interface Editor {
  onPointerDown(event: PointerEvent & { currentTarget: HTMLElement }, lane: Lane): void;
  onDoubleClick(event: MouseEvent & { currentTarget: HTMLElement }, lane: Lane): void;
}

export const chosen = signal<Chosen | null>(null);
/** What is being drawn or moved, not yet in the music. */
export const draft = signal<Chosen | null>(null);

/** Parts of a beat that notes snap to. */
const GRID = 4;
const EDGE_PIXELS = 6;
const NEW_VELOCITY = 90;

/** How the notes of a track are changed; undefined where they cannot be. */
export function editorOf(_track: Track): Editor | undefined {
  return view.value === "song" ? songEditor : undefined;
}

export function deleteChosen(): void {
  const target = chosen.value;
  if (!target || view.value !== "song") return;
  const track = song.session.value!.tracks.find(({ id }) => id === target.trackId);
  if (track) song.setBar(track.id, target.note.bar, without(track, target.note));
  chosen.value = null;
}

const songEditor: Editor = {
  onPointerDown(event, lane) {
    if (event.button !== 0) return;
    const at = placeOf(event, lane);
    const hit = noteAt(lane.index, at.time, at.pitch);
    chosen.value = hit && { trackId: lane.track.id, note: hit };
    drag(event, lane, at, hit);
  },
  onDoubleClick(event, lane) {
    const at = placeOf(event, lane);
    if (noteAt(lane.index, at.time, at.pitch)) deleteChosen();
  },
};

interface Place {
  time: number;
  pitch: number;
}

function placeOf(event: MouseEvent & { currentTarget: EventTarget | null }, lane: Lane): Place {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const rows = rowsOf(lane.index, lane.track.isDrum);
  const row = Math.floor(((event.clientY - box.top) / lane.height) * rows.count);
  return {
    time: left.value + (event.clientX - box.left) / barWidth.value,
    pitch: rows.pitchAt(row),
  };
}

function noteAt(index: NoteIndex, time: number, pitch: number): PlacedNote | null {
  return index.between(time, time + 1e-6).findLast((note) => note.pitch === pitch) ?? null;
}

/** The nearest line of the grid, in bars. */
export function snapped(session: Session, time: number): number {
  const bar = Math.floor(time);
  const steps = beatsOf(meterOf(session, bar)) * GRID;
  return bar + Math.round((time - bar) * steps) / steps;
}

function drag(
  event: PointerEvent & { currentTarget: HTMLElement },
  lane: Lane,
  start: Place,
  hit: PlacedNote | null,
): void {
  const canvas = event.currentTarget;
  const { session, track } = lane;
  const step = 1 / (beatsOf(meterOf(session, Math.floor(start.time))) * GRID);
  const isStretch = hit && (hit.end - start.time) * barWidth.value < EDGE_PIXELS;
  const from = hit?.start ?? Math.floor(start.time / step) * step;
  const change = (place: Place): PlacedNote => {
    if (!hit || isStretch) {
      const end = Math.max(from + step, snapped(session, place.time));
      return placed({ ...(hit ?? newNote(start.pitch)), duration: end - from }, from);
    }
    const moved = snapped(session, Math.max(0, hit.start + place.time - start.time));
    return placed({ ...hit, pitch: clampPitch(hit.pitch + place.pitch - start.pitch) }, moved);
  };
  let result = hit ?? placed(newNote(start.pitch), from, step);
  if (!hit) draft.value = { trackId: track.id, note: result };
  canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (move) => {
    result = change(placeOf(move, lane));
    draft.value = { trackId: track.id, note: result };
  };
  canvas.onpointercancel = () => finish(canvas);
  canvas.onpointerup = () => {
    if (draft.value) commit(track, hit, result);
    finish(canvas);
  };
}

function finish(canvas: HTMLElement): void {
  canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null;
  draft.value = null;
}

function commit(track: Track, old: PlacedNote | null, note: PlacedNote): void {
  const rest = old ? without(track, old) : [];
  if (old && old.bar !== note.bar) song.setBar(track.id, old.bar, rest);
  const others = old?.bar === note.bar ? rest : (track.bars.get(note.bar)?.notes ?? []);
  const { pitch, velocity, onset, duration } = note;
  song.setBar(track.id, note.bar, [...others, { pitch, velocity, onset, duration }]);
  chosen.value = { trackId: track.id, note };
}

const newNote = (pitch: number): Note => ({
  pitch,
  velocity: NEW_VELOCITY,
  onset: 0,
  duration: 0,
});

const clampPitch = (pitch: number): number => Math.min(127, Math.max(0, pitch));

function placed(note: Note, start: number, duration = note.duration): PlacedNote {
  const bar = Math.floor(start + 1e-9);
  return { ...note, bar, start, end: start + duration, duration, onset: Math.max(0, start - bar) };
}

function without(track: Track, { bar, pitch, onset }: PlacedNote): Note[] {
  return (track.bars.get(bar)?.notes ?? []).filter(
    (note) => note.pitch !== pitch || Math.abs(note.onset - onset) > 1e-6,
  );
}
