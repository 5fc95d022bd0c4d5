import { render } from "preact";
import { App } from "./App";
import { startLearning } from "./input/learn";
import { listenToKeys } from "./input/shortcuts";
import { loadSchema } from "./schema";
import { start } from "./studio";
import { setTheme, theme } from "./ui/colours";
import "./style/index.css";

setTheme(theme.value);
void loadSchema();
start();
startLearning();
listenToKeys();
render(<App />, document.getElementById("app")!);
