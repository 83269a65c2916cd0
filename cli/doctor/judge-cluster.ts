import { howMany } from '../terminal/format.ts'
import type { Commands } from './command.ts'
import type { ClusterView, NodeFacts } from './facts.ts'
import type { Finding } from './finding.ts'

const SLOTS = 16_384

/** A root of the queue, and the slot that it is in. */
export interface RootSlot {
  root: string
  slot: number
}

/** Judges a cluster by what its nodes say of each other. */
export function judgeCluster(all: NodeFacts[], roots: RootSlot[], commands: Commands): Finding[] {
  const nodes = all.flatMap(({ address, cluster }) => (cluster ? [{ address, cluster }] : []))
  const [entry] = nodes
  if (!entry) return []
  const findings: Finding[] = []
  const say = (level: Finding['level'], where: string[], text: string, ...mend: string[]) =>
    findings.push({ check: 'cluster', level, nodes: where, text, mend })
  const fix = commands.redisCli(`--cluster fix ${entry.address}`)

  const everywhere = nodes.map(({ address }) => address)
  const failing = nodes.filter(({ cluster }) => cluster.info.get('cluster_state') !== 'ok').map(({ address }) => address)
  const without = SLOTS - Number(entry.cluster.info.get('cluster_slots_assigned'))
  if (without > 0) say('wrong', [entry.address], `${without} of ${SLOTS} slots belong to no node`, fix)
  if (failing.length > 0)
    say('wrong', failing, 'cluster_state is not ok: calls are refused', commands.redisCli(`--cluster check ${entry.address}`))
  else say('ok', everywhere, `cluster_state is ok, ${howMany(nodes.length, 'node')}, ${SLOTS - without} slots`)

  for (const { id, address, flags } of entry.cluster.nodes) {
    if (!flags.includes('fail') && !flags.includes('fail?')) continue
    const forget = commands.redisCli(`--cluster call ${entry.address} CLUSTER FORGET ${id}`)
    say('wrong', [address], 'the others take it to have failed', `start it again, or take it out: ${forget}`)
  }
  const views = new Set(nodes.map(({ cluster }) => ownersIn(cluster)))
  if (views.size > 1) say('wrong', everywhere, 'the nodes do not agree on who has which slots', fix)

  const moving = new Set(nodes.flatMap(({ cluster }) => cluster.nodes.flatMap((node) => node.moving)))
  for (const slot of moving) {
    say('note', [entry.address], `slot ${slot} is being moved; if nobody is moving it, that was broken off`, fix)
  }
  const owned = new Map<string, string[]>()
  for (const { root, slot } of roots) {
    const owner = entry.cluster.nodes.find(({ slots }) => slots.some(([first, last]) => slot >= first && slot <= last))?.address
    if (owner === undefined) say('wrong', [entry.address], `${root} is in slot ${slot}, which belongs to no node`, fix)
    else owned.set(owner, [...(owned.get(owner) ?? []), `${root} in slot ${slot}`])
  }
  for (const [owner, held] of owned) say('ok', [owner], `has ${held.join(', ')}`)
  return findings
}

const ownersIn = ({ nodes }: ClusterView) =>
  nodes
    .filter(({ slots }) => slots.length > 0)
    .map(({ id, slots }) => `${id} ${slots.join(' ')}`)
    .sort()
    .join('\n')
