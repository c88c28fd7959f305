export const EDITOR_CSS = `
:host { display: block; }
.editor { display: flex; flex-direction: column; gap: 8px; color: var(--st-text-color); font-family: var(--st-font); }
.bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.group { display: flex; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden; }
.bar button { border: 0; margin: 0; padding: 0 10px; height: 36px; background: transparent; color: inherit; font: inherit;
  font-size: 13px; cursor: pointer; white-space: nowrap; }
.group button + button { border-left: 1px solid var(--st-border-color); }
.bar button:hover:not(:disabled) { background: var(--st-secondary-background-color); }
.bar button[aria-pressed="true"] { background: var(--st-primary-color); color: #fff; }
.bar button:disabled { opacity: 0.4; cursor: default; }
.bar button:focus-visible, .stage:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
.bar kbd { font: inherit; font-size: 11px; opacity: 0.65; margin-left: 5px; }
.bar label { display: flex; align-items: center; gap: 6px; font-size: 13px; }
.bar input[type="range"] { width: 84px; accent-color: var(--st-primary-color); }
.bar output { min-width: 38px; font-variant-numeric: tabular-nums; }
.stage { position: relative; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;
  background: #17191c; touch-action: none; cursor: crosshair; }
.stage.panning { cursor: grab; }
.state { margin-left: auto; font-size: 12px; opacity: 0.75; }
`
