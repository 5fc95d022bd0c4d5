/** The song on the desk: a dropped file or a copied take, edited here, with undo. */
import { computed, signal } from "@preact/signals";
import { type Bar, emptyBar, type Note, type Session, type Track } from "../session/state";
import { lengthOf, noteOf, type Take, type TakeNote, sessionOf, takeOf } from "./take";

interface State {
  tracks: Track[];
  length: number;
}

const MOST_STATES = 100;

export class Song {
  readonly session = signal<Session | null>(null);
  tempos: Take["tempos"] = [[0, 120]];
  resolution = 960;
  readonly canUndo = computed(() => (void this.session.value, this.#past.length > 0));
  readonly canRedo = computed(() => (void this.session.value, this.#future.length > 0));
  #past: State[] = [];
  #future: State[] = [];

  open(take: Take, name: string): void {
    this.tempos = take.tempos;
    this.resolution = take.resolution;
    this.#past = [];
    this.#future = [];
    this.session.value = sessionOf(take, name);
  }

  close(): void {
    this.session.value = null;
  }

  get length(): number {
    return this.session.value ? lengthOf(this.session.value) : 0;
  }

  /** The whole song, to be saved or sent. */
  take(): Take {
    const session = this.session.value!;
    const all = { tracks: session.tracks, from: 0, to: this.length };
    return takeOf(
      session,
      this.tempos,
      { ...all, nameOf: (track) => track.name },
      this.resolution,
    );
  }

  setBar(trackId: number, bar: number, notes: Note[]): void {
    this.#change((tracks) => changeBars(tracks, trackId, new Map([[bar, notes]]), edited));
  }

  /** Bars that the model has written. */
  setWritten(trackId: number, bars: Record<string, TakeNote[]>): void {
    const written = Object.entries(bars).map(
      ([bar, notes]): [number, Note[]] => [Number(bar), notes.map(noteOf)],
    );
    this.#change((tracks) => changeBars(tracks, trackId, new Map(written), rewritten));
  }

  /** Let a bar be as one of its takes. */
  chooseTake(trackId: number, bar: number, take: number): void {
    const choose = (old: Bar): Bar => ({ ...old, take, notes: old.versions![take]!.notes });
    this.#change((tracks) => changeBars(tracks, trackId, new Map([[bar, []]]), choose));
  }

  /** More bars at the end, empty, in the last meter. */
  extend(bars: number): void {
    this.#change((tracks) => tracks, this.length + bars);
  }

  setTrack(trackId: number, change: Partial<Track>): void {
    this.#change((tracks) =>
      tracks.map((track) => (track.id === trackId ? { ...track, ...change } : track)),
    );
  }

  removeTrack(trackId: number): void {
    this.#change((tracks) => tracks.filter((track) => track.id !== trackId));
  }

  addTrack(track: Track): void {
    this.#change((tracks) => [...tracks, track]);
  }

  undo(): void {
    this.#step(this.#past, this.#future);
  }

  redo(): void {
    this.#step(this.#future, this.#past);
  }

  #change(edit: (tracks: Track[]) => Track[], length = this.length): void {
    const session = this.session.value;
    if (!session) return;
    this.#past = [
      ...this.#past.slice(1 - MOST_STATES),
      { tracks: session.tracks, length: session.playhead },
    ];
    this.#future = [];
    this.session.value = { ...session, tracks: edit(session.tracks), playhead: length };
  }

  #step(from: State[], to: State[]): void {
    const session = this.session.value;
    const before = from.pop();
    if (!session || !before) return;
    to.push({ tracks: session.tracks, length: session.playhead });
    this.session.value = { ...session, tracks: before.tracks, playhead: before.length };
  }
}

function changeBars(
  tracks: Track[],
  trackId: number,
  bars: ReadonlyMap<number, Note[]>,
  change: (bar: Bar, notes: Note[]) => Bar,
): Track[] {
  return tracks.map((track) => {
    if (track.id !== trackId) return track;
    const changed = { ...track, bars: new Map(track.bars) };
    for (const [bar, notes] of bars) {
      changed.bars.set(bar, change(track.bars.get(bar) ?? emptyBar(), notes));
    }
    return changed;
  });
}

/** By hand: the take that is played is another one now. */
function edited(bar: Bar, notes: Note[]): Bar {
  if (!bar.versions) return { ...bar, notes };
  const versions = bar.versions.with(bar.take, { ...bar.versions[bar.take]!, notes });
  return { ...bar, notes, versions };
}

/** By the model: one take more, beside what was there. */
function rewritten(bar: Bar, notes: Note[]): Bar {
  const before = bar.versions ?? (bar.notes.length ? [{ notes: bar.notes, isWritten: false }] : []);
  const versions = [...before, { notes, isWritten: true }];
  return { ...bar, notes, versions, takes: versions.length, take: versions.length - 1 };
}
