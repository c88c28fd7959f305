// Which key does what on the stage.
import type { Hand } from "./hand"
import { type Action, type Tool, toolOf } from "./toolbar"

export interface Keyed {
  readonly radius: number
  readonly tool: Tool
  readonly canGrow: boolean
  act: (action: Action) => void
  choose: (tool: Tool) => void
  resizeBrush: (radius: number) => void
  notch: (by: number) => void
  jump: () => void
}

/** Keys that are being typed into a field belong to the field. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0]
  return target instanceof HTMLElement && target.closest("input:not([type=range]), textarea, select, [contenteditable]") !== null
}

/** The number that a plain digit key stands for: a defect type; null for any other key. */
export function digit(event: KeyboardEvent): number | null {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey
  return plain && /^[1-9]$/.test(event.key) ? Number(event.key) : null
}

/** The number of a digit key with Shift, whatever sign that types: another type to draw, 0 for the label's own; else null. */
export function penKey(event: KeyboardEvent): number | null {
  const alone = event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey
  const number = /^Digit([0-9])$/.exec(event.code)?.[1]
  return alone && number && !/^[0-9]$/.test(event.key) ? Number(number) : null
}

/** Do what a key stands for; false when it stands for nothing here. */
export function press(editor: Keyed, hand: Hand, event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase()
  if (event.altKey && key !== "enter") return false
  const step = Math.max(1, Math.round(editor.radius / 5))
  const tool = toolOf(key)
  if (event.ctrlKey || event.metaKey) {
    if (key !== "z") return false
    editor.act(event.shiftKey ? "redo" : "undo")
  } else if (event.code === "Space") hand.hold(true)
  else if (key === "[") editor.resizeBrush(editor.radius - step)
  else if (key === "]") editor.resizeBrush(editor.radius + step)
  else if (key === ",") editor.notch(-1)
  else if (key === ".") editor.notch(1)
  else if (key === "0") editor.act("fit")
  else if (key === "i") editor.act("ignore")
  else if (key === "j") editor.jump()
  else if (key === "t" && editor.canGrow) editor.act("threshold")
  else if (key === "enter" && hand.hasCorners) hand.closePolygon(event.altKey ? 0 : 1)
  else if (key === "escape") editor.choose(editor.tool)
  else if (tool && (tool !== "grow" || editor.canGrow)) editor.choose(tool)
  else return false
  return true
}
