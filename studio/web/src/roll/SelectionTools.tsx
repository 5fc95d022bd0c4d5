import { view, writeMarked } from "../desk";
import { redoShown, undoShown } from "../session/history";
import { regenerate } from "../session/takes";
import { Button } from "../ui/controls";
import { marks, unmarkAll } from "./selection";
import { TakeList } from "./TakeList";

/** What can be done with the marked bars, and taken back. */
export function SelectionTools() {
  const count = marks.value.length;
  return (
    <>
      <Button label="Undo (Ctrl+Z)" icon="undo" kind="quiet" onClick={undoShown} />
      <Button label="Redo (Ctrl+Y)" icon="redo" kind="quiet" onClick={redoShown} />
      <Button
        label={count ? `Write ${count} bar${count > 1 ? "s" : ""} again` : "Re-roll"}
        icon="dice"
        kind="quiet"
        showsLabel
        title="Let the model write the marked bars, or the next ones, once more (G)"
        onClick={() => (view.value === "song" ? void writeMarked() : regenerate())}
      />
      <TakeList />
      {count > 0 && (
        <Button label="Forget the marks" icon="close" kind="quiet" onClick={unmarkAll} />
      )}
    </>
  );
}
