import { availableParallelism, cpus, loadavg } from 'node:os'
import { styleText } from 'node:util'
import type { Figure, Spread } from './measure.ts'

/** Where and when the figures were taken: without it they are no more than numbers. */
export interface Header {
  readonly cpu: string
  readonly cores: number
  /** How busy the machine was before the first section. */
  readonly load: number
  readonly node: string
  readonly platform: string
  readonly date: string
}

export const header = (): Header => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  load: loadavg()[0] ?? 0,
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  date: new Date().toISOString(),
})

export function formatHeader({ cpu, cores, load, node, platform, date }: Header): string {
  const machine = `${cpu}, ${cores} cores, load ${load.toFixed(2)}; Node ${node}, ${platform}; ${date}`
  return `${machine}\nmin / median / max of the rounds; ratio of the medians (of the best rounds), above 1 is in our favour\n`
}

/** A section as a table. The goals are aims: nothing fails by missing one. */
export function formatSection(title: string, command: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${formatSpread(figure.ours)} ${figure.unit}`,
    figure.beside === undefined ? '' : `${figure.beside.name} ${formatSpread(figure.beside.spread)}`,
    figure.ratio === undefined ? '' : `${figure.ratio.median.toFixed(2)}x (${figure.ratio.best.toFixed(2)}x)`,
    figure.goal === undefined ? '' : `${figure.goal.text} ${figure.goal.met ? 'met' : 'missed'}`,
  ])
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  const heading = `${styleText('bold', title)}  ${styleText('dim', command)}`
  return `\n${[heading, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n')}\n`
}

const formatSpread = ({ min, median, max }: Spread): string => [min, median, max].map(formatNumber).join(' / ')

function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}
