// The editor's row of tools; it shows what it is told and reports what was pressed.
import { Pen } from "./pen"
import { make } from "./style"

export type Tool = "grow" | "brush" | "erase" | "polygon" | "box" | "fill"
export type Action = "undo" | "redo" | "clear" | "fit" | "ignore" | "holes" | "smooth" | "specks" | "copy" | "threshold" | "mine"

const TOOLS: [Tool, string, string, string][] = [
  ["grow", "Grow", "V", "Take the region around the click, out to the isoline of the chosen level"],
  ["brush", "Brush", "B", "Paint the defect"],
  ["erase", "Erase", "E", "Take paint away"],
  ["polygon", "Polygon", "P", "Click corners; double-click or Enter closes, Escape drops it; with Alt it takes paint away"],
  ["box", "Box", "X", "Drag a rectangle; with Alt it takes paint away"],
  ["fill", "Fill", "F", "Fill a closed outline"],
]
const ACTIONS: [Action, string, string][] = [
  ["undo", "Undo the last stroke (Ctrl+Z)", "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3"],
  ["redo", "Redo (Ctrl+Shift+Z)", "m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3"],
  ["clear", "Remove the whole mask", "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"],
  ["fit", "Show the whole image (0)", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
]
const MORE: [Action, string, string][] = [
  ["threshold", "Mark all below the level", "T"],
  ["holes", "Fill holes", ""],
  ["specks", "Remove specks", ""],
  ["smooth", "Smooth the edge", ""],
  ["copy", "Copy the last image's mask", ""],
  ["mine", "Bring back what I drew", ""],
]
const SVG = "http://www.w3.org/2000/svg"

export interface Shown {
  tool: Tool
  radius: number
  largest: number
  step: number
  ignoring: boolean
  types: readonly string[]
  pen: number
  can: Record<"undo" | "redo" | "grow" | "copy" | "threshold" | "mine", boolean>
}

export interface Pressed {
  choose: (tool: Tool) => void
  act: (action: Action) => void
  resize: (radius: number) => void
  level: (step: number) => void
  typed: (text: string) => boolean
  pen: (number: number) => void
  type: (name: string) => void
}

export class Toolbar {
  readonly row = make("div", { class: "bar", role: "toolbar", "aria-label": "Mask tools" })
  private readonly buttons = new Map<string, HTMLButtonElement>()
  private readonly size = make("input", { type: "range", min: "1", max: "100", "aria-label": "Brush size in pixels" })
  private readonly sizeText = make("output")
  private readonly step = make("input", { type: "range", min: "-1", max: "5", step: "0.1", "aria-label": "Level to grow to" })
  private readonly stepText = make("output")
  private readonly least = make("input", { type: "number", min: "1", value: "20", "aria-label": "Smallest region kept, in pixels" })
  private readonly brush = make("label", {}, "Size")
  private readonly level = make("label", {}, "Level")
  private readonly pen: Pen

  constructor(private readonly pressed: Pressed) {
    const tools = make("div", { class: "group" })
    for (const [tool, label, key, hint] of TOOLS) tools.append(this.named(tool, label, key, hint, () => pressed.choose(tool)))
    this.size.addEventListener("input", () => pressed.resize(Number(this.size.value)))
    this.step.addEventListener("input", () => pressed.level(Number(this.step.value)))
    this.brush.append(this.size, this.sizeText)
    this.level.append(this.step, this.stepText)
    const hint = "Paint what nobody judges: neither trained on nor counted, such as a defect's unclear rim"
    const ignore = make("div", { class: "group" })
    ignore.append(this.named("ignore", "Don't care", "I", hint, () => pressed.act("ignore")))
    this.pen = new Pen(pressed.pen, pressed.type)
    this.row.append(tools, this.brush, this.level, this.pen.part, ignore, this.icons(), this.more())
  }

  get smallest(): number {
    return Math.max(1, Number(this.least.value) || 1)
  }

  show({ tool, radius, largest, step, ignoring, types, pen, can }: Shown): void {
    this.pen.show(types, pen)
    for (const [name] of TOOLS) this.buttons.get(name)?.setAttribute("aria-pressed", String(name === tool))
    this.buttons.get("ignore")?.setAttribute("aria-pressed", String(ignoring))
    for (const [name, on] of Object.entries(can)) {
      const button = this.buttons.get(name)
      if (button) button.disabled = !on
    }
    this.brush.hidden = tool === "grow"
    this.level.hidden = tool !== "grow"
    this.size.max = String(largest)
    this.size.value = String(radius)
    this.sizeText.textContent = `${radius * 2} px`
    this.step.value = String(step)
    this.stepText.textContent = step === 0 ? "b_n" : step === 1 ? "b_a" : `×${(2 ** step).toFixed(1)}`
  }

  private icons(): HTMLElement {
    const edits = make("div", { class: "group icons" })
    for (const [action, hint, path] of ACTIONS) {
      const button = this.button(action, hint, () => this.pressed.act(action))
      button.setAttribute("aria-label", hint)
      button.append(icon(path))
      edits.append(button)
    }
    return edits
  }

  /** What is wanted now and then: clean-ups, and the keyboard's ways to a mask. */
  private more(): HTMLElement {
    const more = make("details", { class: "more" })
    const panel = make("div", { class: "panel" })
    for (const [action, label, key] of MORE) panel.append(this.named(action, label, key, label, () => this.pressed.act(action)))
    const least = make("label", {}, "Specks are below")
    least.append(this.least, "px")
    const box = make("input", { type: "text", placeholder: "x, y, width, height", "aria-label": "Box by numbers, in pixels" })
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return
      const taken = this.pressed.typed(box.value)
      box.setAttribute("aria-invalid", String(!taken))
      if (taken) box.value = ""
    })
    const typed = make("label", {}, "Box")
    typed.append(box)
    panel.append(least, typed)
    more.append(make("summary", { title: "Clean-ups, and masks by keyboard" }, "More"), panel)
    return more
  }

  private named(name: string, label: string, key: string, hint: string, act: () => void): HTMLButtonElement {
    const button = this.button(name, key ? `${hint} (${key})` : hint, act)
    button.append(label)
    if (key) button.append(make("kbd", {}, key))
    return button
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
