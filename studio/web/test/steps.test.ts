import { expect, test } from "vitest";
import { Steps } from "../src/session/steps";

function world() {
  const told: string[] = [];
  const step = (name: string) => ({
    undo: () => void told.push(`undo ${name}`),
    redo: () => void told.push(`redo ${name}`),
  });
  return { told, step, steps: new Steps(step("server")).of("here") };
}

test("steps are taken back newest first, and done again in their order", () => {
  const { told, step, steps } = world();
  steps.did(step("a"));
  steps.did(step("b"));
  for (const action of ["undo", "undo", "redo", "redo", "undo"] as const) steps[action]();
  expect(told).toEqual(["undo b", "undo a", "redo a", "redo b", "undo b"]);
  steps.did(step("c"));
  steps.redo();
  expect(told.at(-1), "what was taken back is gone when something else is done").toBe("redo server");
});

test("before the first step the server's own history is asked, and after it in turn", () => {
  const { told, step, steps } = world();
  steps.did(step("a"));
  for (const action of ["undo", "undo", "redo", "redo", "undo"] as const) steps[action]();
  expect(told).toEqual(["undo a", "undo server", "redo server", "redo a", "undo a"]);
});

test("another session has steps of its own", () => {
  const { told, step, steps } = world();
  steps.did(step("a"));
  steps.of("there").undo();
  expect(told).toEqual(["undo server"]);
});
