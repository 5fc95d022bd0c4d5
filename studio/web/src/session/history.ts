/** Undo and redo of what is shown: takes of the agents, or edits of the song. */
import { song, view } from "../desk";
import { redo, undo } from "./takes";

export function undoShown(): void {
  if (view.value === "song") song.undo();
  else undo();
}

export function redoShown(): void {
  if (view.value === "song") song.redo();
  else redo();
}
