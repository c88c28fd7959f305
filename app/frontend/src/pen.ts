// What is drawn next: the type that the label is given, or another type of defect in the same image.
import { OWN } from "./sheet"
import { make } from "./style"
import { colourOf } from "./tint"

const NEW = "new"

export class Pen {
  readonly part = make("label", { class: "pen", title: "Type of what is drawn next (Shift and its number; Shift+0 for the chosen one)" })
  private readonly swatch = make("span", { class: "swatch", "aria-hidden": "true" })
  private readonly select = make("select", { "aria-label": "Type of what is drawn next" })
  private readonly field = make("input", { type: "text", maxlength: "80", placeholder: "Name, then Enter", "aria-label": "New type" })
  private types: readonly string[] | null = null
  private pen = OWN

  constructor(
    private readonly choose: (number: number) => void,
    private readonly add: (name: string) => void,
  ) {
    this.part.append(this.swatch, this.select, this.field)
    this.select.addEventListener("change", () => this.changed())
    this.field.addEventListener("keydown", (event) => this.typed(event))
    this.field.addEventListener("blur", () => this.ask(false))
    this.ask(false)
  }

  show(types: readonly string[], pen: number): void {
    this.pen = pen
    if (this.types?.join("\n") !== types.join("\n")) {
      this.types = [...types]
      const named = types.map((name, i): [string, string] => [String(OWN + 1 + i), i < 9 ? `${i + 1}  ${name}` : name])
      const options = [[String(OWN), "the chosen type"], ...named, [NEW, "New type…"]]
      this.select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)))
    }
    this.select.value = String(pen)
    this.swatch.style.background = colourOf(pen)
  }

  private changed(): void {
    const { value } = this.select
    this.select.value = String(this.pen)
    if (value === NEW) this.ask(true)
    else {
      this.select.blur() // keys are for the tools again
      this.choose(Number(value))
    }
  }

  private typed(event: KeyboardEvent): void {
    const name = this.field.value.trim()
    if (event.key === "Enter" && name) this.add(name)
    if (event.key === "Escape" || (event.key === "Enter" && name)) this.field.blur()
  }

  private ask(on: boolean): void {
    this.field.value = ""
    this.field.hidden = !on
    this.select.hidden = on
    if (on) this.field.focus()
  }
}
