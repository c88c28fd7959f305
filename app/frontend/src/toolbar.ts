// The editor's one row of tools; it shows what it is told and reports what was pressed.
import { make } from "./style"

export type Tool = "grow" | "brush" | "erase" | "polygon" | "box"
export type Action = "undo" | "redo" | "clear" | "fit"

const TOOLS: [Tool, string, string, string][] = [
  ["grow", "Grow", "V", "Take the region around the click, out to the b_n isoline"],
  ["brush", "Brush", "B", "Paint the defect"],
  ["erase", "Erase", "E", "Take paint away"],
  ["polygon", "Polygon", "P", "Click corners; double-click or Enter closes, Escape drops it"],
  ["box", "Box", "X", "Drag a rectangle"],
]
const ACTIONS: [Action, string, string][] = [
  ["undo", "Undo the last stroke (Ctrl+Z)", "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3"],
  ["redo", "Redo (Ctrl+Shift+Z)", "m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3"],
  ["clear", "Remove the whole mask", "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"],
  ["fit", "Show the whole image (0)", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
]
const SVG = "http://www.w3.org/2000/svg"

export interface Shown {
  tool: Tool
  radius: number
  largest: number
  can: Record<"undo" | "redo" | "grow", boolean>
}

export class Toolbar {
  readonly row = make("div", { class: "bar", role: "toolbar", "aria-label": "Mask tools" })
  private readonly buttons = new Map<string, HTMLButtonElement>()
  private readonly size = make("input", { type: "range", min: "1", max: "100", "aria-label": "Brush size in pixels" })
  private readonly sizeText = make("output")

  constructor(choose: (tool: Tool) => void, act: (action: Action) => void, resize: (radius: number) => void) {
    const tools = make("div", { class: "group" })
    for (const [tool, label, key, hint] of TOOLS) {
      const button = this.button(tool, `${hint} (${key})`, () => choose(tool))
      button.append(label, make("kbd", {}, key))
      tools.append(button)
    }
    this.size.addEventListener("input", () => resize(Number(this.size.value)))
    const brush = make("label", {}, "Size")
    brush.append(this.size, this.sizeText)
    const edits = make("div", { class: "group icons" })
    for (const [action, hint, path] of ACTIONS) {
      const button = this.button(action, hint, () => act(action))
      button.setAttribute("aria-label", hint)
      button.append(icon(path))
      edits.append(button)
    }
    this.row.append(tools, brush, edits)
  }

  show({ tool, radius, largest, can }: Shown): void {
    for (const [name] of TOOLS) this.buttons.get(name)?.setAttribute("aria-pressed", String(name === tool))
    for (const [name, on] of Object.entries(can)) {
      const button = this.buttons.get(name)
      if (button) button.disabled = !on
    }
    this.size.max = String(largest)
    this.size.value = String(radius)
    this.sizeText.textContent = `${radius * 2} px`
  }

  private button(name: string, title: string, act: () => void): HTMLButtonElement {
    const button = make("button", { type: "button", title, "data-tool": name })
    button.addEventListener("click", act)
    this.buttons.set(name, button)
    return button
  }
}

/** The tool of a key, if it has one. */
export function toolOf(key: string): Tool | undefined {
  return TOOLS.find((entry) => entry[2].toLowerCase() === key)?.[0]
}

function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg")
  const line = document.createElementNS(SVG, "path")
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: "17", height: "17", "aria-hidden": "true" })) {
    svg.setAttribute(name, value)
  }
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}
