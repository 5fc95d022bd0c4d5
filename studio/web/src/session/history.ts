/** Undo and redo of what is shown: what this page did to the session, or edits of the song. */
import { song, view } from "../desk";
import { liveSteps } from "./takes";

export function undoShown(): void {
  if (view.value === "song") song.undo();
  else liveSteps().undo();
}

export function redoShown(): void {
  if (view.value === "song") song.redo();
  else liveSteps().redo();
}
