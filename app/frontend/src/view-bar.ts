// How the image is looked at: heat, level, isolines, light, comparison, regions. Nothing of it changes a mask, and all of
// it stays as it is from one image to the next.
import { make } from "./style"

export interface View {
  opacity: number
  level: string
  isolines: boolean
  contrast: number
  brightness: number
  split: number // where the other version's map begins, a share of the width
  comparing: boolean
}

const NAME = "bgad-view"
const PLAIN: View = { opacity: 0.55, level: "fused", isolines: true, contrast: 1, brightness: 1, split: 0.5, comparing: false }

export function storedView(): View {
  try {
    return { ...PLAIN, ...JSON.parse(sessionStorage.getItem(NAME) ?? "{}") }
  } catch {
    return { ...PLAIN }
  }
}

export interface Offered {
  levels: string[] // none: no version has seen the image, or it is shown blind
  compare: string | null // the other version's name
  regions: number
  region: number // which one was jumped to, -1 for none
}

export class ViewBar {
  readonly row = make("div", { class: "bar view", role: "toolbar", "aria-label": "View" })
  readonly view = storedView()
  private readonly heat = make("span", { class: "part" })
  private readonly level = make("select", { "aria-label": "Level of the heatmap" })
  private readonly isolines = make("button", { type: "button", title: "Outlines of b_n (solid) and b_a (dashed)" }, "Isolines")
  private readonly compare = make("button", { type: "button" })
  private readonly jump = make("button", { type: "button", title: "Look at the next region below b_n (J)" })
  private readonly split: HTMLElement

  constructor(
    private readonly changed: () => void,
    jumped: () => void,
  ) {
    this.level.addEventListener("change", () => this.set({ level: this.level.value }))
    this.isolines.addEventListener("click", () => this.set({ isolines: !this.view.isolines }))
    this.compare.addEventListener("click", () => this.set({ comparing: !this.view.comparing }))
    this.jump.addEventListener("click", jumped)
    const buttons = make("span", { class: "group" })
    buttons.append(this.isolines)
    this.heat.append(this.slider("Heat", "opacity", 0, 1, 0.05), this.level, buttons)
    this.split = this.slider("Split", "split", 0, 1, 0.01)
    const more = make("span", { class: "group" })
    more.append(this.compare, this.jump)
    const light = [this.slider("Contrast", "contrast", 0.5, 3, 0.1), this.slider("Brightness", "brightness", 0.5, 3, 0.1)]
    const reset = make("button", { type: "button", title: "Contrast and brightness as they were" }, "Reset")
    reset.addEventListener("click", () => this.set({ contrast: 1, brightness: 1 }))
    const group = make("span", { class: "group" })
    group.append(reset)
    this.row.append(this.heat, ...light, group, more, this.split)
  }

  show({ levels, compare, regions, region }: Offered): void {
    this.heat.hidden = levels.length === 0
    if (this.level.options.length !== levels.length) {
      this.level.replaceChildren(...levels.map((name) => make("option", { value: name }, name === "fused" ? "all levels" : `level ${name}`)))
    }
    if (!levels.includes(this.view.level) && levels.length > 0) this.view.level = levels[0]
    this.level.value = this.view.level
    this.isolines.setAttribute("aria-pressed", String(this.view.isolines))
    this.compare.hidden = compare === null
    this.compare.textContent = `Beside ${compare ?? ""}`
    this.compare.title = `The heat of ${compare ?? ""} to the right of the line`
    this.compare.setAttribute("aria-pressed", String(this.view.comparing))
    this.split.hidden = compare === null || !this.view.comparing
    this.jump.hidden = regions === 0
    this.jump.textContent = region < 0 ? `Regions ${regions}` : `Region ${region + 1} of ${regions}`
    for (const input of this.row.querySelectorAll<HTMLInputElement>("input[data-of]")) {
      input.value = String(this.view[input.dataset.of as keyof View])
    }
  }

  private set(part: Partial<View>): void {
    Object.assign(this.view, part)
    try {
      sessionStorage.setItem(NAME, JSON.stringify(this.view))
    } catch {
      // A full tab storage costs the view's settings at a reload, nothing else.
    }
    this.changed()
  }

  private slider(label: string, of: keyof View, min: number, max: number, step: number): HTMLElement {
    const attributes = { type: "range", min: String(min), max: String(max), step: String(step), "data-of": of }
    const input = make("input", attributes)
    input.addEventListener("input", () => this.set({ [of]: Number(input.value) }))
    const row = make("label", {}, label)
    row.append(input)
    return row
  }
}
