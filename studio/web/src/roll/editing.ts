/** Drawing, moving, stretching and deleting notes with the pointer. */
import { signal } from "@preact/signals";
import { shown, song, view } from "../desk";
import { placeInLoop } from "../clock/leader";
import { client, leader } from "../studio";
import { beatsOf } from "../clock/timeline";
import { meterOf, type Note, type Session, type Track, trackOf } from "../session/state";
import { rowsOf } from "./draw";
import { liveSteps } from "../session/takes";
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
export function editorOf(track: Track): Editor | undefined {
  if (view.value === "song") return handEditor;
  if (!client.isPlayer.value) return undefined;
  return track.isAgent ? refusal : handEditor;
}

export function deleteChosen(): void {
  const target = chosen.value;
  const track = target && trackOf(shown.value, target.trackId);
  if (track && editorOf(track) === handEditor) change(track, target.note, null);
  chosen.value = null;
}

/** In a session an agent's notes are what the model plays. */
const refusal: Editor = {
  onPointerDown() {
    client.tell(
      "warning",
      "Agents write their own notes. Choose another take of the bar, or Edit this take under Files.",
    );
  },
  onDoubleClick() {},
};

const handEditor: Editor = {
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

/** A note goes, comes, or takes the place of another: an edit of the song, or messages to the band. */
function change(track: Track, old: PlacedNote | null, note: PlacedNote | null): void {
  const bars = new Map<number, Note[]>();
  if (old) bars.set(old.bar, without(notesOf(track, old.bar), old));
  if (note) {
    const { bar, pitch, velocity, onset, duration } = note;
    const others = without(bars.get(bar) ?? notesOf(track, bar), note);
    bars.set(bar, [...others, { pitch, velocity, onset, duration: Math.min(duration, 64) }]);
  }
  if (view.value === "song") {
    for (const [bar, notes] of bars) song.setBar(track.id, bar, notes);
    return;
  }
  const changes = [...bars].map(([bar, after]) => ({ bar, before: notesOf(track, bar), after }));
  const apply = () => changes.forEach((c) => exchange(track.id, c.bar, c.before, c.after));
  liveSteps().did({
    undo: () => changes.forEach((c) => exchange(track.id, c.bar, c.after, c.before)),
    redo: apply,
  });
  apply();
}

/** In a session: some notes of a bar give way to others; what else was played in it stays. */
function exchange(trackId: number, bar: number, from: Note[], to: Note[]): void {
  const track = trackOf(client.session.peek(), trackId);
  if (!track) return;
  const gone = from.filter((note) => !to.some((other) => isSame(note, other)));
  const come = to.filter((note) => !from.some((other) => isSame(note, other)));
  for (const { pitch, onset } of gone) client.send("/midigpt/note/remove", trackId, pitch, onset, bar);
  for (const { pitch, velocity, onset, duration } of come) {
    client.send("/midigpt/note", trackId, pitch, velocity, onset, duration, bar);
  }
  const notes = [...gone.reduce(without, notesOf(track, bar)), ...come];
  leader.resound(track, bar, notes);
  changeLoop(track, bar, notes);
}

const notesOf = (track: Track, bar: number): Note[] => track.bars.get(bar)?.notes ?? [];

const isSame = (a: Note, b: Note): boolean =>
  a.pitch === b.pitch && a.onset === b.onset && a.velocity === b.velocity && a.duration === b.duration;

/** A part that repeats goes on as it is now. */
function changeLoop(track: Track, bar: number, notes: Note[]): void {
  leader.loops.value = leader.loops.value.map((loop) =>
    loop.trackId === track.id
      ? { ...loop, bars: loop.bars.with(placeInLoop(loop, bar), notes) }
      : loop,
  );
}

function commit(track: Track, old: PlacedNote | null, note: PlacedNote): void {
  change(track, old, note);
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

function without(notes: Note[], { pitch, onset }: Note): Note[] {
  return notes.filter(
    (note) => note.pitch !== pitch || Math.abs(note.onset - onset) > 1e-6,
  );
}
