/** Light, dark or the system's choice; remembered in the browser. */
import { must } from "./dom";

type Theme = "auto" | "light" | "dark";
const KEY = "pavage-theme";
const ORDER: Theme[] = ["auto", "light", "dark"];
const TITLES: Record<Theme, string> = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return ORDER.find((theme) => theme === value) ?? "auto";
  } catch {
    return "auto"; // storage can be forbidden
  }
}

/** Wires the button `#theme` and calls `changed` whenever colours change. */
export function installTheme(changed: () => void = () => {}): void {
  const button = must("theme");
  let theme = remembered();
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    button.dataset["choice"] = theme;
    button.title = TITLES[theme];
    button.setAttribute("aria-label", TITLES[theme]);
    changed();
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "auto";
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // The choice then lasts until the page is closed.
    }
    apply();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

/** The present value of a CSS custom property, for what is drawn on a canvas. */
export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
