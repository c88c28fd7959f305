// Mounts the mask editor as a Streamlit component.
import { type Data, Editor } from "./editor"
import { EDITOR_CSS } from "./editor-style"
import type { Commit } from "./sender"
import { adopt, type Host, make } from "./style"

const editors = new WeakMap<object, Editor>()

export default function render({ data, parentElement, setTriggerValue, setStateValue }: Host<Data>): () => void {
  const send = (commit: Commit): void => {
    // The mask travels once; that there is one rides with every later run, so that none is saved without it.
    setStateValue("drawn", [commit.imageId, commit.base, commit.rev])
    setTriggerValue("commit", commit)
  }
  const out = { send, kind: (number: number): void => setTriggerValue("kind", number) }
  const existing = editors.get(parentElement)
  if (existing) existing.update(data, out)
  else {
    const root = make("div")
    parentElement.append(root)
    adopt(root, EDITOR_CSS)
    editors.set(parentElement, new Editor(root, data, out))
  }
  return () => {
    editors.get(parentElement)?.close()
    editors.delete(parentElement)
  }
}
