// Undo and redo over the layers of a mask, by what changed and not by whole masks.
import { type Layer, Mask, type Rect, union } from "./raster"

export interface Change {
  mask: Layer
  rect: Rect
}

interface Edit extends Change {
  before: Uint8Array
  after: Uint8Array
}

/** An edit is open from `begin` to `end`; undoing it in between ends it. */
export class History {
  private done: Edit[] = []
  private undone: Edit[] = []
  private open: { mask: Layer; base: Uint8Array; rect: Rect | null } | null = null

  begin(mask: Layer): void {
    this.end()
    this.open = { mask, base: mask.data.slice(), rect: null }
  }

  touched(rect: Rect): void {
    if (this.open) this.open.rect = union(this.open.rect, rect)
  }

  /** Close the edit; false when it changed nothing. */
  end(): boolean {
    const open = this.open
    this.open = null
    if (!open?.rect || open.rect.width === 0 || open.rect.height === 0) return false
    const { mask, rect } = open
    const before = new Mask(mask.width, mask.height, open.base).copy(rect)
    const after = mask.copy(rect)
    if (before.every((value, index) => value === after[index])) return false
    this.done.push({ mask, rect, before, after })
    this.undone = []
    return true
  }

  undo(): Change | null {
    this.end()
    const edit = this.done.pop()
    if (!edit) return null
    edit.mask.paste(edit.rect, edit.before)
    this.undone.push(edit)
    return edit
  }

  redo(): Change | null {
    if (this.open) return null
    const edit = this.undone.pop()
    if (!edit) return null
    edit.mask.paste(edit.rect, edit.after)
    this.done.push(edit)
    return edit
  }

  /** Take the last edit back for good: another takes its place. */
  drop(): Change | null {
    const change = this.undo()
    this.undone.pop()
    return change
  }

  get canUndo(): boolean {
    return this.done.length > 0 || this.open !== null
  }

  get canRedo(): boolean {
    return this.undone.length > 0
  }

  /** How many edits stand: tells whether the last one is still the last. */
  get length(): number {
    return this.done.length
  }
}
