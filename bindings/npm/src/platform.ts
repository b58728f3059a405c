/** Which addon a platform takes, by the names that packages of napi-rs have. */

/** The platforms that there is an addon for: each has a package `@firndb/…`. */
export const BUILT: readonly string[] = ['linux-x64-gnu']

/** What is looked at of a process. */
export interface ProcessFacts {
  readonly platform: string
  readonly arch: string
  /** The version of glibc, where that is the C library. */
  readonly glibc: string | undefined
}

/** The facts of this process. */
export function ofThisProcess(): ProcessFacts {
  const { platform, arch } = process
  return { platform, arch, glibc: platform === 'linux' ? glibcVersion() : undefined }
}

/** The name of a platform: operating system, processor, and what else an addon has to fit, such as `linux-x64-musl`. */
export function platformName({ platform, arch, glibc }: ProcessFacts): string {
  const abi = { linux: glibc === undefined ? '-musl' : '-gnu', win32: '-msvc' }[platform] ?? ''
  return `${platform}-${arch}${abi}`
}

function glibcVersion(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const { excludeNetwork } = report
  // Else the report looks up the names of all hosts that the process is connected to.
  report.excludeNetwork = true
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
  report.excludeNetwork = excludeNetwork ?? false
  return header?.glibcVersionRuntime
}
