// Fails when the committed build is not what the source builds to.
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const committed = "../ui/components/assets"
const fresh = mkdtempSync(join(tmpdir(), "bgad-build-"))
try {
  execFileSync("npx", ["vite", "build", "--logLevel", "warn"], {
    stdio: "inherit",
    env: { ...process.env, BGAD_BUILD_DIR: fresh },
  })
  const names = (folder) => readdirSync(folder).sort()
  const [before, after] = [names(committed), names(fresh)]
  const differ =
    before.join() !== after.join() ||
    after.filter((name) => !readFileSync(join(committed, name)).equals(readFileSync(join(fresh, name)))).length > 0
  if (differ) {
    console.error(`the build in ${committed} (${before}) is not what the source gives (${after}): npm run build`)
    process.exit(1)
  }
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
