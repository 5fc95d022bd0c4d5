/** Keys of the page, besides the piano's. */
import { panic } from "../panels/TopBar";
import { isHelpOpen } from "../panels/Help";
import { tapTempo } from "../panels/TempoField";
import { toggleLoop, togglePlay, view, writeMarked } from "../desk";
import { keys, leader, performer } from "../studio";
import { deleteChosen } from "../roll/editing";
import { unmarkAll } from "../roll/selection";
import { toggleKept } from "../roll/TakeList";
import { redoShown, undoShown } from "../session/history";
import { regenerate } from "../session/takes";
import { zoom } from "../roll/view";

export interface Shortcut {
  keys: string;
  about: string;
}

export const SHORTCUTS: Shortcut[] = [
  { keys: "Space", about: "play, pause" },
  { keys: "A W S …", about: "piano: A is C, W is C sharp, and so on to ;" },
  { keys: "Z X", about: "an octave down, up" },
  { keys: "C V", about: "softer, louder" },
  { keys: "Q", about: "piano keys on, off" },
  { keys: "Shift", about: "with G, K, L or T while the piano keys are on" },
  { keys: "R", about: "record: what you play goes to the band, or does not" },
  { keys: "G", about: "write the marked bars again, or the next ones" },
  { keys: "Ctrl+Z Ctrl+Y", about: "undo, redo: takes, and notes by hand" },
  { keys: "K", about: "keep the takes of the marked bars" },
  { keys: "L", about: "loop the marked bars, or the last four" },
  { keys: "N", about: "next bar, in step mode" },
  { keys: "M", about: "metronome" },
  { keys: "T", about: "tap the tempo" },
  { keys: "+ -", about: "zoom" },
  { keys: "Arrows", about: "move among the bars; with Shift, mark them" },
  { keys: "Esc", about: "forget the marks" },
  { keys: "Del", about: "delete the chosen note" },
  { keys: ".", about: "panic: end every note" },
  { keys: "?", about: "this page" },
];

const TYPES_TEXT = "input:not([type=range]):not([type=checkbox]), textarea, select";

export function listenToKeys(): void {
  addEventListener("keydown", onKeyDown);
  addEventListener("keyup", (event) => keys.onKeyUp(event));
  addEventListener("blur", () => performer.releaseAll(performance.now()));
}

function onKeyDown(event: KeyboardEvent): void {
  const target = event.target as Element;
  if (isHelpOpen.value || target.matches(TYPES_TEXT)) return;
  if (keys.onKeyDown(event)) {
    event.preventDefault();
    return;
  }
  const name = event.ctrlKey || event.metaKey ? `Ctrl+${event.key.toLowerCase()}` : event.key;
  const action = ACTIONS[name] ?? ACTIONS[name.toLowerCase()];
  if (!action || (name === " " && target.matches("button, [role=switch]"))) return;
  event.preventDefault();
  if (!event.repeat) action(event);
}

const ACTIONS: Record<string, (event: KeyboardEvent) => void> = {
  " ": () => void togglePlay(),
  q: () => (keys.isOn.value = !keys.isOn.value),
  r: () => (performer.isArmed.value = !performer.isArmed.value),
  g: () => (view.value === "song" ? void writeMarked() : regenerate()),
  Delete: () => deleteChosen(),
  Backspace: () => deleteChosen(),
  k: () => toggleKept(),
  l: () => toggleLoop(),
  n: () => leader.step(),
  m: () => (leader.hasMetronome.value = !leader.hasMetronome.value),
  t: (event) => tapTempo(event.timeStamp),
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(0.8),
  ".": () => panic(),
  "?": () => (isHelpOpen.value = true),
  Escape: () => unmarkAll(),
  "Ctrl+z": (event) => (event.shiftKey ? redoShown() : undoShown()),
  "Ctrl+y": () => redoShown(),
};
