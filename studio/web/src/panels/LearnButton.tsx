import { bindings, learning, unbind } from "../input/learn";
import { midi } from "../studio";

/** Bind a parameter to a controller: press, then move it. Press again to unbind. */
export function LearnButton({ target }: { target: string }) {
  const bound = bindings.value.find((binding) => binding.target === target);
  const isWaiting = learning.value === target;
  const text = isWaiting ? "move it" : bound ? `CC${bound.controller}` : "CC";
  return (
    <button
      type="button"
      class="learn"
      data-on={isWaiting || !!bound}
      title={bound ? "Unbind from its MIDI controller" : "Bind to a MIDI controller: press, then move it"}
      aria-label={`${text}: MIDI controller of ${target}, ${bound ? "bound" : isWaiting ? "waiting" : "none"}`}
      onClick={() => {
        if (bound) unbind(target);
        else if (isWaiting) learning.value = "";
        else {
          learning.value = target;
          void midi.open();
        }
      }}
    >
      {text}
    </button>
  );
}
