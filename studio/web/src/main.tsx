import { render } from "preact";
import { App } from "./App";
import * as desk from "./desk";
import { startLearning } from "./input/learn";
import { listenToKeys } from "./input/shortcuts";
import { loadSchema } from "./schema";
import * as studio from "./studio";
import { setTheme, theme } from "./ui/colours";
import "./style/index.css";

setTheme(theme.value);
void loadSchema();
studio.start();
desk.startDesk();
startLearning();
listenToKeys();
render(<App />, document.getElementById("app")!);

/** For the browser's console, and for tests. */
Object.assign(window, { studio: { ...studio, ...desk } });
