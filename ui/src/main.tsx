import { createRoot } from "react-dom/client";
import "@fontsource-variable/inter/index.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/pages.css";
import "./styles/charts.css";
import "./styles/dashboards.css";
import "./styles/panels.css";
import { App } from "./app.tsx";
import { startTheme } from "./shell/theme.ts";

startTheme();
createRoot(document.getElementById("root")!).render(<App />);
